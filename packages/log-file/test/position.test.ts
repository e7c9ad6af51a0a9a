import type { LogRecord } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { CrashFiles } from './crash-files.ts';
import {
  append,
  openAndRecover,
  openFiles,
  range,
  smallOptions,
  temporaryDirectory,
  ticking,
  vote,
} from './stage.ts';

const standings = (position: number): LogRecord => ({
  kind: 'standings',
  standings: [
    { store: '0123456789abcdef', count: 2, nonce: 2 ** 48 - 1, position },
    { store: 'fedcba9876543210', count: 1, nonce: 0, position: 0 },
  ],
});

test('the position grows with what is durable, and never goes back', async () => {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  let before = 0;
  const told: number[] = [];
  for (const start of range(0, 3)) {
    const { log } = await openAndRecover(directory, smallOptions, files);
    expect(log.info().position).toBeGreaterThanOrEqual(before);
    for (const slot of range(start * 10 + 1, start * 10 + 10)) {
      const { position } = log.info();
      const waiting = append(log, [vote(slot, 1, 9_000)]);
      // What waits may be lost.
      expect(log.info().position).toBe(position);
      await waiting;
      expect(log.info().position).toBeGreaterThan(position);
      told[slot] = log.info().position;
      files.note(slot);
    }
    log.truncate(start * 10 + 5);
    await log.renew();
    before = log.info().position;
    await log.close();
  }
  // Wherever a crash comes, nobody is below the position that was told last.
  for (let at = 0; at <= files.steps.length; at += 3) {
    const image = temporaryDirectory();
    const note = files.image(
      image,
      at,
      () => false,
      () => true,
    );
    const { log } = await openAndRecover(image);
    expect(log.info().position, `crash at ${at}`).toBeGreaterThanOrEqual(told[note ?? 0] ?? 0);
    await log.close();
  }
}, 60_000);

test('an older copy is at an older position', async () => {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const { log } = await openAndRecover(directory, smallOptions, files);
  await append(log, [vote(1)]);
  const at = files.steps.length;
  await append(log, [vote(2)]);
  const { position } = log.info();
  await log.close();
  const copy = temporaryDirectory();
  files.image(
    copy,
    at,
    () => false,
    () => true,
  );
  const { context, pass } = ticking();
  const older = await openFiles(copy, smallOptions, undefined, context);
  // Also when the mark that an opened log gets is written before anybody looks: it stores nothing,
  // so a copy that is opened again and again does not outgrow what it has forgotten.
  pass();
  await append(older, []);
  expect(older.info().position).toBe(position - 1);
  const found = await older.recover(() => {});
  expect(found.position).toBe(position - 1);
  await older.close();
});

test('the newest standings outlive their segment, and a renewal', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  await append(log, [standings(1)]);
  await append(log, [standings(2)]);
  await log.renew();
  for (const slot of range(1, 30)) await append(log, [vote(slot, 1, 9_000)]);
  log.truncate(30);
  await append(log, []);
  await log.close();
  const { log: again, records } = await openAndRecover(directory);
  expect(records.filter((record) => record.kind === 'standings')).toEqual([standings(2)]);
  await again.close();
});

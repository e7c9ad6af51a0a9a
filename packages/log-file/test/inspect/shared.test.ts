/** A log of many groups: each is told as its own opening finds it. */
import fs from 'node:fs';
import path from 'node:path';
import type { LogStore } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patienceMs, runs } from '../properties/runs.ts';
import { openGroup, type OpenedGroup, recoverGroup, sharedOf } from '../shared/stage.ts';
import { append, decided, KiB, range, temporaryDirectory, vote } from '../stage.ts';
import { expectSame, look } from './stage.ts';

const groups = ['a', 'b', 'c', 'busy'];

interface Step {
  readonly kind: 'vote' | 'decided' | 'through' | 'truncate' | 'renew' | 'fill';
  readonly group: number;
  readonly slot: number;
  readonly length: number;
}

const step = fc.record<Step>({
  kind: fc.constantFrom('vote', 'vote', 'vote', 'decided', 'through', 'truncate', 'renew', 'fill'),
  group: fc.nat({ max: 2 }),
  slot: fc.integer({ min: 1, max: 12 }),
  length: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 12_000 })),
});

async function perform(log: LogStore, { kind, slot, length }: Step, round: number): Promise<void> {
  if (kind === 'vote') await append(log, [vote(slot, round, length)]);
  if (kind === 'decided') await append(log, [decided(slot, length)]);
  if (kind === 'through') await append(log, [{ kind: 'decided-through', slot }]);
  if (kind === 'truncate') log.truncate(log.info().firstSlot + (slot % 3));
  if (kind === 'renew') await log.renew();
}

/** Segments leave, and what counts of the others is copied forward. */
async function fill(busy: LogStore): Promise<void> {
  for (const slot of range(busy.info().lastSlot + 1, busy.info().lastSlot + 20)) {
    await append(busy, [vote(slot, 1, 9 * KiB)]);
    busy.truncate(slot);
  }
}

async function closedLog(steps: readonly Step[]): Promise<string> {
  const directory = temporaryDirectory();
  const shared = sharedOf(directory);
  const logs: LogStore[] = [];
  for (const group of groups) logs.push(await openGroup(shared, group));
  for (const [i, each] of steps.entries()) {
    if (each.kind === 'fill') await fill(logs[3] as LogStore);
    else await perform(logs[each.group] as LogStore, each, i + 1);
  }
  for (const log of logs) await log.close();
  return directory;
}

/** Looks, then opens all groups: they say the same. */
async function expectAgreement(directory: string, life: 'first' | 'later'): Promise<number> {
  const { report } = await look(directory);
  const others = report.damage.filter(
    ({ problem }) => !/^the value of slot \d+ fails/.test(problem),
  );
  const shared = sharedOf(directory);
  const opened: OpenedGroup[] = [];
  try {
    for (const group of groups) opened.push(await recoverGroup(shared, group));
    for (const [i, { log, records }] of opened.entries()) {
      expect(log.info().created).toBe(false);
      expectSame(report, groups[i] as string, log, records, log.info().position, life);
    }
    expect(others).toEqual([]);
  } catch (error) {
    if ((error as { code?: string }).code !== 'RSL_LOG_CORRUPT') throw error;
    expect(others).not.toEqual([]);
  } finally {
    for (const { log } of opened) await log.close();
  }
  return report.damageCount;
}

test(
  'every group is told as it is opened, also when values are lost',
  async () => {
    const counts = { sound: 0, damaged: 0 };
    const bits = fc.array(fc.nat({ max: 9_999 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), bits, async (steps, all) => {
        const directory = await closedLog(steps);
        const isRenewed = steps.some(({ kind }) => kind === 'renew');
        const names = fs.readdirSync(directory).filter((name) => name.endsWith('.log'));
        for (const [i, part] of all.entries()) {
          const file = path.join(directory, names[i % names.length] as string);
          const bytes = fs.readFileSync(file);
          const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
          const at = Math.floor((part / 10_000) * used);
          bytes[at] = (bytes[at] as number) ^ 16;
          fs.writeFileSync(file, bytes);
        }
        const damages = await expectAgreement(directory, isRenewed ? 'later' : 'first');
        counts[damages === 0 ? 'sound' : 'damaged'] += 1;
        fs.rmSync(directory, { recursive: true });
      }),
      runs(703, 60),
    );
    expect(counts.sound).toBeGreaterThan(10);
    expect(counts.damaged).toBeGreaterThan(10);
  },
  patienceMs,
);

test('a shared log says so, and whose each record is', async () => {
  const directory = temporaryDirectory();
  const shared = sharedOf(directory);
  const a = await openGroup(shared, 'a');
  const b = await openGroup(shared, 'b', { self: 3 });
  await append(a, [vote(1)]);
  await append(b, [decided(7), { kind: 'decided-through', slot: 7 }]);
  await b.renew();
  const { store } = b.info();
  for (const log of [a, b]) await log.close();
  const { report, found } = await look(directory);
  expect(report).toMatchObject({ isShared: true, damage: [], identity: { replica: 0 } });
  expect(found.map(({ group, record }) => `${group} ${record.kind}`)).toEqual([
    'a owner',
    'b owner',
    'a vote',
    'b decided',
    'b decided-through',
    'b owner',
  ]);
  expect(report.stores).toMatchObject([
    { group: 'a', replica: 1, votes: 1, decided: 0, lastSlot: 1 },
    { group: 'b', replica: 3, store, votes: 0, decided: 1, decidedThrough: 7 },
  ]);
});

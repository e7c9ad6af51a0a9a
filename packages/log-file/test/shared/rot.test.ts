import fs from 'node:fs';
import path from 'node:path';
import type { LogStore, StoredValue } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patienceMs, runs } from '../properties/runs.ts';
import { append, decided, KiB, range, shapeOf, temporaryDirectory, vote } from '../stage.ts';
import { openGroup, recoverGroup, sharedOf } from './stage.ts';

const groups = ['a', 'b', 'c'];
const slots = 12;

const shapeOfStored = ({ slot, ballot, value }: StoredValue): string =>
  shapeOf(
    ballot === undefined
      ? { kind: 'decided', slot, value }
      : { kind: 'vote', slot, vote: { ballot, value } },
  );

/** A closed log of several segments, with copies in it; and what is in each slot of each group. */
async function closedLog(): Promise<[directory: string, wanted: ReadonlyMap<string, string>]> {
  const directory = temporaryDirectory();
  const shared = sharedOf(directory);
  const wanted = new Map<string, string>();
  const logs = await Promise.all(groups.map((group) => openGroup(shared, group)));
  for (const slot of range(1, slots)) {
    for (const [i, log] of logs.entries()) {
      const length = (slot * 701 + i * 97) % 2_000;
      const record = (slot + i) % 3 === 0 ? decided(slot, length) : vote(slot, 2, length);
      wanted.set(`${groups[i]} ${slot}`, shapeOf(record));
      await append(log, [vote(slot, 1, 30), record]);
    }
  }
  const busy = await openGroup(shared, 'busy');
  for (const slot of range(1, 60)) {
    await append(busy, [vote(slot, 1, 9 * KiB)]);
    busy.truncate(slot);
  }
  for (const log of [busy, ...logs]) await log.close();
  return [directory, wanted];
}

function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith('lock')) fs.copyFileSync(`${directory}/${name}`, `${copy}/${name}`);
  }
  return copy;
}

/** Changes one bit, or a sector, of what is used. */
function spoil(directory: string, which: number, part: number, bit: number): string {
  const names = fs.readdirSync(directory).filter((name) => /\.log$|^identity$/.test(name));
  const name = names[which % names.length] as string;
  const file = path.join(directory, name);
  const bytes = fs.readFileSync(file);
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const at = Math.floor(part * used);
  if (bit < 8) bytes[at] = (bytes[at] as number) ^ (1 << bit);
  else {
    const sector = at - (at % 512);
    bytes.fill(0, sector, Math.min(sector + 512, bytes.length));
  }
  fs.writeFileSync(file, bytes);
  return `${name} at ${at}`;
}

async function expectHonest(log: LogStore, group: string, wanted: ReadonlyMap<string, string>) {
  const { damaged, firstSlot, lastSlot } = log.info();
  expect([firstSlot, lastSlot]).toEqual([1, slots]);
  for (const slot of range(1, slots)) {
    const reading = log.read(slot, slot, 1e9);
    if (damaged.has(slot)) {
      await expect(reading).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    } else expect((await reading).map(shapeOfStored)).toEqual([wanted.get(`${group} ${slot}`)]);
  }
}

test(
  'rot anywhere in a shared log is told to the group that it concerns, or to all',
  async () => {
    const [directory, wanted] = await closedLog();
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 9 }),
        fc.nat({ max: 99_999 }),
        fc.nat({ max: 9 }),
        async (which, part, bit) => {
          const copy = copyOf(directory);
          const what = spoil(copy, which, part / 100_000, bit);
          const shared = sharedOf(copy);
          const logs: LogStore[] = [];
          try {
            for (const group of groups) {
              const { log } = await recoverGroup(shared, group);
              logs.push(log);
              await expectHonest(log, group, wanted);
            }
            opened += 1;
          } catch (error) {
            const { code = '' } = error as { code?: string };
            const isTold = logs.length === 0 && /^RSL_(LOG_CORRUPT|WRONG_STORE)$/.test(code);
            if (!isTold) throw new Error(`${what}: ${String(error)}`, { cause: error });
          }
          for (const log of logs) await log.close();
          fs.rmSync(copy, { recursive: true });
        },
      ),
      runs(503, 150),
    );
    expect(opened).toBeGreaterThan(10);
  },
  patienceMs,
);

import type { LogRecord, LogStore, StoredValue } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  append,
  KiB,
  openAndRecover,
  range,
  recordsOf,
  shapeOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

/** A log in memory, as simple as can be. */
class Model {
  records: LogRecord[] = [];
  firstSlot = 1;

  value(slot: number): string | undefined {
    const ofSlot = this.records.filter((r) => 'slot' in r && r.slot === slot);
    const decided = ofSlot.filter((r) => r.kind === 'decided').at(-1);
    const newest = decided ?? ofSlot.filter((r) => r.kind === 'vote').at(-1);
    return newest && shapeOf(newest);
  }

  values(from: number, to: number): string[] {
    const values: string[] = [];
    for (let slot = from; slot <= to; slot++) {
      const value = this.value(slot);
      if (value === undefined) break;
      values.push(value);
    }
    return values;
  }

  votes(): string[] {
    return shapesOf(
      this.records.filter(
        (r) => (r.kind === 'vote' || r.kind === 'decided') && r.slot >= this.firstSlot,
      ),
    );
  }
}

const shapeOfStored = ({ slot, ballot, value }: StoredValue): string =>
  shapeOf(
    ballot === undefined
      ? { kind: 'decided', slot, value }
      : { kind: 'vote', slot, vote: { ballot, value } },
  );

type Step =
  | { readonly kind: 'append'; readonly votes: readonly (readonly [number, number, number])[] }
  | { readonly kind: 'decide'; readonly slot: number }
  | { readonly kind: 'read'; readonly from: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly by: number }
  | { readonly kind: 'restart' };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        votes: fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 60 }),
            fc.integer({ min: 1, max: 3 }),
            fc.integer({ min: 1, max: 12_000 }),
          ),
          { minLength: 1, maxLength: 6 },
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('decide' as const),
        slot: fc.integer({ min: 1, max: 60 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        from: fc.integer({ min: 1, max: 60 }),
        length: fc.integer({ min: 0, max: 30 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('truncate' as const),
        by: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 60 },
);

async function check(given: readonly Step[]): Promise<void> {
  const directory = temporaryDirectory();
  const model = new Model();
  let log: LogStore = (await openAndRecover(directory)).log;
  for (const step of given) {
    if (step.kind === 'append') {
      const records = step.votes.map(([slot, round, length]) => vote(slot, round, length));
      model.records.push(...records);
      await append(log, records);
    } else if (step.kind === 'decide') {
      const { slot } = step;
      const record: LogRecord = {
        kind: 'decided',
        slot,
        value: { bytes: Uint8Array.of(3), checksum: 0x4b0bbe37 },
      };
      model.records.push(record);
      await append(log, [record]);
    } else if (step.kind === 'read') {
      const to = step.from + step.length;
      if (step.from < model.firstSlot) {
        await expect(log.read(step.from, to, 1e9)).rejects.toMatchObject({
          code: 'RSL_LOG_TRUNCATED',
        });
      } else {
        const values = await log.read(step.from, to, 1e9);
        expect(values.map(shapeOfStored)).toEqual(model.values(step.from, to));
      }
    } else if (step.kind === 'truncate') {
      model.firstSlot += step.by;
      log.truncate(model.firstSlot);
    } else {
      await log.close();
      const again = await openAndRecover(directory);
      log = again.log;
      const votes = again.records.filter((r) => r.kind === 'vote' || r.kind === 'decided');
      expect(shapesOf(votes)).toEqual(model.votes());
    }
    expect(log.info().firstSlot).toBe(model.firstSlot);
  }
  await log.close();
}

test('behaves like a log in memory, whatever is asked of it', async () => {
  await fc.assert(fc.asyncProperty(steps, check), { numRuns: 60 });
}, 120_000);

test('a replica that lags far behind is served without loading the log', async () => {
  const slots = 200_000;
  const directory = temporaryDirectory();
  const options = { ...smallOptions, segmentBytes: 1024 * KiB, writeBytesMax: 256 * KiB };
  const { log } = await openAndRecover(directory, options);
  for (let slot = 1; slot <= slots; slot += 1000) {
    await append(
      log,
      range(slot, slot + 999).map((n) => vote(n, 1, 100)),
    );
  }
  const startedMs = performance.now();
  let next = 1;
  while (next <= slots) {
    const values = await log.read(next, slots, 1024 * KiB);
    expect(values[0]?.slot).toBe(next);
    next += values.length;
    expect(values.at(-1)?.slot).toBe(next - 1);
  }
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  await log.close();

  const again = await openAndRecover(directory, options);
  expect(again.records).toHaveLength(slots);
  expect(await again.log.read(slots - 1, slots, 1)).toHaveLength(1);
  await again.log.close();
}, 60_000);

test('a read that is under way keeps its segments, whatever is truncated meanwhile', async () => {
  const { log } = await openAndRecover(temporaryDirectory());
  for (const slot of range(1, 40)) await append(log, [vote(slot, 1, 12_000)]);
  const reading = log.read(1, 40, 1e9);
  for (const slot of range(41, 80)) {
    log.truncate(slot);
    await append(log, [vote(slot, 1, 12_000)]);
  }
  const values = await reading;
  expect(values.map(shapeOfStored)).toEqual(range(1, 40).map((n) => shapeOf(vote(n, 1, 12_000))));
  await log.close();
  expect(await recordsOf(log).catch(() => [])).toBeDefined();
});

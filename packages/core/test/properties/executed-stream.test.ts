import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ExecutedSlot } from '../../src/api.ts';
import { sealBatch } from '../../src/codec/batch.ts';
import { encodeSegment } from '../../src/codec/segment.ts';
import { Execution } from '../../src/host/execution.ts';
import { executedStream } from '../../src/host/executed-stream.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { defaultLimits } from '../../src/limits.ts';
import { noOp, type Value } from '../../src/paxos/value.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

type Step =
  /** `round` against the highest there was: a lower one is void. */
  | { readonly kind: 'execute'; readonly round: number; readonly sizes: readonly number[] }
  | { readonly kind: 'no-op' }
  | { readonly kind: 'skip'; readonly sizes: readonly number[] }
  | { readonly kind: 'open'; readonly from: number }
  | { readonly kind: 'read'; readonly which: number; readonly count: number };

const one = <K extends string>(kind: K) => fc.constant(kind);
const sizes = fc.array(fc.nat({ max: 600 }), { maxLength: 4 });
const step = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
  {
    weight: 8,
    arbitrary: fc.record({ kind: one('execute'), round: fc.integer({ min: -1, max: 1 }), sizes }),
  },
  { weight: 1, arbitrary: fc.record({ kind: one('no-op') }) },
  { weight: 1, arbitrary: fc.record({ kind: one('skip'), sizes }) },
  { weight: 2, arbitrary: fc.record({ kind: one('open'), from: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: one('read'),
      which: fc.nat({ max: 9 }),
      count: fc.nat({ max: 9 }),
    }),
  },
);
const steps = fc.array(step, { maxLength: 60, size: 'max' });

const met = { read: 0, behind: 0, waited: 0, empty: 0 };

/** What was executed, as the rules say it, and streams of it. */
class History {
  readonly #skip = new Set<number>();
  readonly #execution: Execution;
  readonly #model: { slot: number; timeMs: number; commands: string[] }[] = [];
  readonly #bytes: number[] = [];
  readonly #streamBytesMax: number;
  readonly #streams: { stream: AsyncGenerator<ExecutedSlot<string>>; next: number }[] = [];
  #round = 0;
  #timeMs = 0;

  constructor(streamBytesMax: number) {
    this.#streamBytesMax = streamBytesMax;
    const proposals = new Proposals({ self: 1, epoch: 7, limits: defaultLimits });
    const limits = { streamBytesMax, streamsMax: 100 };
    this.#execution = new Execution(new DigestMachine(), 1, proposals, this.#skip, limits);
  }

  async run(next: Step): Promise<void> {
    switch (next.kind) {
      case 'execute':
        return this.#batch(this.#round + next.round, next.sizes);
      case 'skip':
        this.#skip.add(this.#model.length + 1);
        return this.#batch(this.#round, next.sizes);
      case 'no-op':
        return this.#execute(noOp, []);
      case 'open':
        return this.#open(next.from);
      case 'read':
        return this.#read(next.which, next.count);
    }
  }

  /** Streams that still wait. */
  async end(): Promise<void> {
    this.#execution.executed.close(undefined);
    for (const { stream } of this.#streams) {
      await expect(stream.next()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    }
  }

  #batch(wanted: number, all: readonly number[]): void {
    const round = Math.max(1, wanted);
    const slot = this.#model.length + 1;
    const commands = all.map((size, i) => `${slot}.${i}`.padEnd(size, '.'));
    const header = { origin: 9, epoch: 1, firstSequence: 1 };
    const segments = all.length === 0 ? [] : [encodeSegment(header, commands.map(bytesOf))];
    const isVoid = round < this.#round;
    if (!isVoid) this.#timeMs += 10;
    this.#round = Math.max(this.#round, round);
    const executed = isVoid || this.#skip.has(slot) ? [] : commands;
    this.#execute(sealBatch(this.#timeMs, ballot(round, 1), segments), executed);
  }

  #execute(value: Value, commands: string[]): void {
    const slot = this.#model.length + 1;
    this.#execution.execute(slot, value, true);
    this.#model.push({ slot, timeMs: this.#timeMs, commands });
    this.#bytes.push(256 + (commands.length > 0 ? value.bytes.length : 0));
  }

  #open(from: number): void {
    const options = { clock: systemClock, decode: textOf, from, signal: undefined };
    const stream = executedStream(this.#execution.executed, options);
    this.#streams.push({ stream, next: from });
  }

  /** The oldest slot for which, with all after it, there is room; the newest always is there. */
  get #firstSlot(): number {
    let first = Math.max(1, this.#bytes.length);
    let bytes = this.#bytes[first - 1] ?? 0;
    while (first > 1 && bytes + (this.#bytes[first - 2] ?? 0) <= this.#streamBytesMax) {
      first -= 1;
      bytes += this.#bytes[first - 1] ?? 0;
    }
    return first;
  }

  async #read(which: number, count: number): Promise<void> {
    const at = which % Math.max(1, this.#streams.length);
    const reader = this.#streams[at];
    for (let i = 0; reader !== undefined && i < count; i += 1) {
      if (reader.next > this.#model.length) {
        met.waited += 1;
        return;
      }
      if (reader.next < this.#firstSlot) {
        met.behind += 1;
        this.#streams.splice(at, 1);
        const { next: slot } = reader;
        const firstSlot = this.#firstSlot;
        return expect(reader.stream.next()).rejects.toMatchObject({ slot, firstSlot });
      }
      const { value } = await reader.stream.next();
      expect(value).toEqual(this.#model[reader.next - 1]);
      reader.next += 1;
      met.read += 1;
      if (value?.commands.length === 0) met.empty += 1;
    }
  }
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test(
  'a stream gives what was executed, or says that it is behind, whenever it is read',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6_000 }), steps, async (bytesMax, all) => {
        const history = new History(bytesMax);
        for (const each of all) await history.run(each);
        await history.end();
      }),
      runs(941, 250),
    );
    for (const [what, times] of Object.entries(met)) {
      expect(times, `the histories met: ${what}`).toBeGreaterThan(20);
    }
  },
  patienceMs,
);

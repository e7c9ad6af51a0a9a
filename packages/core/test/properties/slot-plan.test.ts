import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { sealBatch } from '../../src/codec/batch.ts';
import { encodeSegment } from '../../src/codec/segment.ts';
import { Execution } from '../../src/host/execution.ts';
import { executedStream } from '../../src/host/executed-stream.ts';
import { control } from '../../src/host/proposal-ring.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { defaultLimits } from '../../src/limits.ts';
import { noOp, type Value } from '../../src/paxos/value.ts';
import type { Batch, Results, SlotMoment, StateMachine } from '../../src/ports/state-machine.ts';
import { decodeName, encodeControl } from '../../src/sessions/control.ts';
import { sessionLimits } from '../../src/sessions/session-limits.ts';
import { sessionIdOf, sessionNameOf, type SessionName } from '../../src/sessions/session-name.ts';
import { encodeSessions } from '../../src/sessions/sessions-codec.ts';
import { ballot } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';
import { type Piece, SlotModel, type Slotful, type Word } from './slot-model.ts';

// Bounds that a short history reaches.
vi.mock('../../src/sessions/session-limits.ts', () => ({
  sessionLimits: {
    sessionsMax: 4,
    sessionWindowMax: 20,
    sessionResultBytesMax: 700,
    resultBytesMax: 1_500,
    resultOverheadBytes: 64,
    sessionTtlMsMin: 10,
    sessionTtlMsMax: 200,
  },
}));

/** Which session: one of the last few that were opened, or one that never was. */
type Which = number;
type Part =
  | { readonly kind: 'plain'; readonly count: number }
  | { readonly kind: 'open'; readonly ttlMs: number }
  | { readonly kind: 'close'; readonly which: Which }
  | { readonly kind: 'use'; readonly which: Which; readonly more: number }
  | {
      readonly kind: 'session';
      readonly which: Which;
      readonly from: number;
      readonly more: number;
      readonly sizes: readonly number[];
    };
interface Filling {
  /** Added to the highest round there was. */
  readonly round: number;
  readonly ms: number;
  readonly ledMs: number;
  readonly isNoOp: boolean;
  readonly parts: readonly { readonly own: boolean; readonly part: Part }[];
}

const one = <K extends string>(kind: K) => fc.constant(kind);
const which = fc.nat({ max: 6 });
const more = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat({ max: 8 }) },
);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 40 }) },
  { weight: 1, arbitrary: fc.nat({ max: 800 }) },
);
const underSession = fc.record({
  kind: one('session'),
  which,
  more,
  from: fc.integer({ min: -2, max: 24 }),
  sizes: fc.array(size, { minLength: 1, maxLength: 4 }),
});
const part = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Part> }[]>(
  { weight: 9, arbitrary: underSession },
  { weight: 2, arbitrary: fc.record({ kind: one('plain'), count: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: one('open'), ttlMs: fc.nat({ max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: one('close'), which }) },
  { weight: 2, arbitrary: fc.record({ kind: one('use'), which, more }) },
);
const filling: fc.Arbitrary<Filling> = fc.record({
  round: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -1, max: 1 }) },
  ),
  ms: fc.integer({ min: -10, max: 80 }),
  ledMs: fc.nat({ max: 80 }),
  isNoOp: fc.nat({ max: 9 }).map((n) => n === 0),
  parts: fc.array(fc.record({ own: fc.boolean(), part }), { maxLength: 6 }),
});
const fillings = fc.array(filling, { maxLength: 40, size: 'max' });

/** A command `name/bytes` has a result of at least so many bytes. */
const resultOf = (command: string): string =>
  `did ${command}`.padEnd(Number(command.split('/')[1] ?? 0), '.');

class Recorder implements StateMachine {
  readonly executed: string[] = [];
  readonly under: (string | undefined)[] = [];
  readonly ended: string[] = [];
  readonly slots = new Set<number>();

  execute(batch: Batch, results: Results): void {
    this.slots.add(batch.slot);
    for (let i = 0; i < batch.count; i += 1) {
      const text = Buffer.from(batch.bytes.subarray(batch.start(i), batch.end(i))).toString();
      this.executed.push(text);
      this.under.push(batch.session(i));
      results.push(results.wanted(i) ? Buffer.from(resultOf(text)) : new Uint8Array(0));
    }
  }

  sessionEnded(id: string, { slot, timeMs }: SlotMoment): void {
    this.ended.push(`${id} at ${slot} ${timeMs}`);
  }

  save(): Uint8Array[] {
    return [];
  }

  async load(): Promise<void> {}
}

interface Stage {
  readonly machine: Recorder;
  readonly proposals: Proposals;
  readonly execution: Execution;
}

function stage(self: number): Stage {
  const machine = new Recorder();
  const proposals = new Proposals({ self, epoch: 7, limits: defaultLimits });
  return { machine, proposals, execution: new Execution(machine, self, proposals) };
}

const met = { told: 0, repeated: 0, void: 0, ended: 0 };

/** A log that is written slot by slot, and executed by two replicas and the model. */
class History {
  readonly model = new SlotModel(sessionLimits, resultOf);
  /** Has the callers. */
  readonly here = stage(1);
  readonly there = stage(2);
  readonly values: Value[] = [];
  #round = 2;
  #commands = 0;
  #sent = 0;
  #told: (string | undefined)[] = [];

  run({ round, ms, ledMs, isNoOp, parts }: Filling): void {
    const slot = this.values.length + 1;
    const sealedIn = ballot(Math.max(1, this.#round + round), 1);
    this.#round = Math.max(this.#round, sealedIn.round);
    const stampMs = Math.max(0, this.model.timeMs + ms);
    const pieces = isNoOp ? [] : parts.map(({ part: each }) => this.#piece(each));
    this.#told = [];
    const segments: Uint8Array[] = [];
    for (const [i, piece] of pieces.entries()) {
      if (lengthOf(piece) > 0)
        segments.push(this.#segment(piece, parts[i]?.own === true, sealedIn));
    }
    const value = isNoOp ? noOp : sealBatch(stampMs, sealedIn, segments, ledMs);
    this.values.push(value);
    for (const { execution } of [this.here, this.there]) execution.execute(slot, value, true);
    const owners = pieces.flatMap((piece, i) =>
      new Array<boolean>(lengthOf(piece)).fill(parts[i]?.own === true),
    );
    const filled = { slot, ballot: sealedIn, ledMs, stampMs, pieces };
    const said = isNoOp ? undefined : this.model.run(filled);
    if (said === undefined && !isNoOp) met.void += 1;
    // Of a void batch nobody hears anything.
    this.#compare(said?.filter((_, i) => owners[i]) ?? this.#told.map(() => undefined));
  }

  #compare(said: readonly (string | undefined)[]): void {
    met.told += said.length;
    met.repeated += said.filter((s) => s === 'RSL_RESULT_GONE').length;
    expect(this.#told, 'what the callers hear').toEqual(said);
    expect(this.here.machine.executed).toEqual(this.model.executed);
    expect(this.here.machine.ended).toEqual(this.model.ended);
    expect(this.there.machine).toEqual(this.here.machine);
    expect(hex(this.there)).toBe(hex(this.here));
    expect([...this.here.execution.sessions.all()].map(({ id }) => id)).toEqual([
      ...this.model.sessions.open.keys(),
    ]);
    expect(this.here.execution.timeMs).toBe(this.model.timeMs);
    expect(this.here.execution.sessions.bytes).toBe(this.model.sessions.bytes);
  }

  #piece(each: Part): Piece {
    if (each.kind === 'plain') {
      return { kind: 'plain', commands: Array.from({ length: each.count }, () => this.#named(20)) };
    }
    if (each.kind === 'open') return { kind: 'words', words: [each] };
    const id = this.#idOf(each.which);
    if (each.kind === 'close') return { kind: 'words', words: [{ kind: 'close', id }] };
    const known = this.model.sessions.open.get(id);
    const acknowledged = (known?.acknowledged ?? 0) + each.more;
    if (each.kind === 'use') return { kind: 'words', words: [{ kind: 'use', id, acknowledged }] };
    const first = Math.max(1, acknowledged + each.from);
    // Each says whose it is, so that one that executes twice is seen.
    const commands = each.sizes.map((bytes, i) => `${id}:${first + i}/${bytes}`);
    return { kind: 'session', id, first, acknowledged, commands };
  }

  #named(bytes: number): string {
    this.#commands += 1;
    return `plain ${this.#commands}/${bytes}`;
  }

  #idOf(at: Which): string {
    const { ids } = this.model;
    if (at === 6 || ids.length === 0) return '900.3';
    return ids[ids.length - 1 - (at % Math.min(5, ids.length))] as string;
  }

  #segment(piece: Piece, own: boolean, sealedIn: Slotful['ballot']): Uint8Array {
    const commands =
      piece.kind === 'words'
        ? piece.words.map((word) => encodeControl(controlOf(word)))
        : piece.commands.map((text) => Buffer.from(text));
    if (!own) {
      this.#sent += 100;
      return encodeSegment(
        { origin: 9, epoch: 7, firstSequence: this.#sent, ...headOf(piece) },
        commands,
      );
    }
    const told = this.#told;
    const from = told.length;
    for (let i = 0; i < commands.length; i += 1) told.push(undefined);
    const tell = (i: number, text: string): void => {
      expect(told[from + i], 'each caller hears once').toBeUndefined();
      told[from + i] = text;
    };
    const isOpen = piece.kind === 'words' && piece.words[0]?.kind === 'open';
    const textOf = (bytes: Uint8Array): string =>
      isOpen ? sessionIdOf(decodeName(bytes)) : Buffer.from(bytes).toString();
    const sink = {
      result: (i: number, bytes: Uint8Array): void => tell(i, textOf(bytes)),
      error: (i: number, { code }: { code: string }): void => tell(i, code),
    };
    const { session } = headOf(piece);
    const under = piece.kind === 'words' ? control : session;
    const { proposals } = this.here;
    proposals.add(commands, sink, 1e9, under, session?.firstSequence);
    return proposals.takeSegment(sealedIn, commands.length, 1e6) as Uint8Array;
  }
}

const lengthOf = (piece: Piece): number =>
  piece.kind === 'words' ? piece.words.length : piece.commands.length;
const nameOf = (id: string): SessionName => sessionNameOf(id) as SessionName;

function headOf(piece: Piece) {
  if (piece.kind === 'plain') return {};
  if (piece.kind === 'words') return { isControl: true };
  const { acknowledged, first, id } = piece;
  return { session: { ...nameOf(id), firstSequence: first, acknowledged } };
}

function controlOf(word: Word): Parameters<typeof encodeControl>[0] {
  if (word.kind === 'open') return word;
  const { id, ...rest } = word;
  return { ...rest, name: nameOf(id) } as Parameters<typeof encodeControl>[0];
}

const hex = ({ execution }: Stage): string =>
  Buffer.from(encodeSessions(execution.sessions)).toString('hex');

/** Another replica, which starts with this log. */
function replayed(values: readonly Value[], reflected = 0): Stage {
  const again = stage(3);
  again.execution.begin(0, reflected);
  for (const [i, value] of values.entries()) again.execution.execute(i + 1, value, false);
  return again;
}

test(
  'each sequence of a session executes at most once, and everybody hears what became of it',
  () => {
    fc.assert(
      fc.property(fillings, (all) => {
        const history = new History();
        for (const each of all) history.run(each);
        const { executed, under } = history.here.machine;
        const underSessions = executed.filter((_, i) => under[i] !== undefined);
        const sequences = underSessions.map((text) => text.split('/')[0]);
        expect(new Set(sequences).size, 'at most once').toBe(sequences.length);
        for (const [i, text] of executed.entries()) {
          expect(under[i]).toBe(text.startsWith('plain') ? undefined : text.split(':')[0]);
        }
        met.ended += history.here.machine.ended.length;
      }),
      runs(921, 250),
    );
    for (const [what, times] of Object.entries(met)) {
      expect(times, `the histories met: ${what}`).toBeGreaterThan(20);
    }
  },
  patienceMs,
);

test(
  'whoever replays the log has the same sessions, and has executed the same',
  () => {
    fc.assert(
      fc.property(fillings, (all) => {
        const history = new History();
        for (const each of all) history.run(each);
        const again = replayed(history.values);
        expect(again.machine).toEqual(history.here.machine);
        expect(hex(again)).toBe(hex(history.here));
      }),
      runs(922, 120),
    );
  },
  patienceMs,
);

test(
  'whoever starts with a state that reflects some slots executes the same after them',
  () => {
    // It cannot know the results of those slots. That must not decide what executes later.
    fc.assert(
      fc.property(fillings, fc.nat({ max: 40 }), (all, reflected) => {
        const history = new History();
        for (const each of all) history.run(each);
        const { here, values } = history;
        const before = replayed(values.slice(0, reflected)).machine;
        const again = replayed(values, Math.min(reflected, values.length));
        for (const slot of again.machine.slots) expect(slot).toBeGreaterThan(reflected);
        expect(again.machine.executed).toEqual(here.machine.executed.slice(before.executed.length));
        expect(again.machine.ended).toEqual(here.machine.ended.slice(before.ended.length));
        for (const one of again.execution.sessions.all()) {
          for (const [sequence, result] of one.executed()) {
            const standing = result === undefined ? 'gone' : 'executed';
            expect(one.standingOf(sequence), `${one.id} ${sequence}`).toBe(standing);
          }
        }
        const standings = ({ execution }: Stage) =>
          [...execution.sessions.all()].map((s) => [
            s.id,
            s.endMs,
            s.acknowledged,
            [...s.executed()].map(([sequence]) => sequence),
          ]);
        expect(standings(again)).toEqual(standings(here));
      }),
      runs(923, 250),
    );
  },
  patienceMs,
);

/** What a stream of all slots tells. */
async function streamed({ execution }: Stage): Promise<string[]> {
  const decode = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const options = { clock, decode, from: 1, signal: undefined };
  const all: string[] = [];
  if (execution.executedThrough === 0) return all;
  for await (const { commands, slot } of executedStream(execution.executed, options)) {
    all.push(...commands);
    if (slot === execution.executedThrough) break;
  }
  return all;
}

test(
  'a stream tells of each command that was executed, once, also of what the state had before',
  async () => {
    await fc.assert(
      fc.asyncProperty(fillings, fc.nat({ max: 40 }), async (all, reflected) => {
        const history = new History();
        for (const each of all) history.run(each);
        const { here, model, values } = history;
        expect(await streamed(here)).toEqual(model.executed);
        const again = replayed(values, Math.min(reflected, values.length));
        expect(await streamed(again)).toEqual(model.executed);
      }),
      runs(924, 120),
    );
  },
  patienceMs,
);

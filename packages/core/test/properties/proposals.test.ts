import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ManyResults } from '../../src/api.ts';
import { checkSegment } from '../../src/codec/segment.ts';
import type { RslError } from '../../src/errors.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ballot } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const limits = {
  ...defaultLimits,
  pendingCommandsMax: 3_000,
  pendingBytesMax: 20_000,
  commandBytesMax: 500,
};
const epoch = 5;

type Action =
  | { readonly kind: 'add'; readonly sizes: readonly number[]; readonly deadlineMs: number }
  | {
      readonly kind: 'take';
      readonly round: number;
      readonly commands: number;
      readonly bytes: number;
    }
  | { readonly kind: 'resolve' | 'cancel'; readonly which: number }
  | { readonly kind: 'requeue'; readonly round: number }
  | { readonly kind: 'expire'; readonly ms: number };

const one = <K extends string>(kind: K) => fc.constant(kind);
const size = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 40 }) },
  { weight: 1, arbitrary: fc.nat({ max: 600 }) },
);
const sizes = fc.oneof(
  { weight: 9, arbitrary: fc.array(size, { minLength: 1, maxLength: 8 }) },
  // More than the ring has room for at first.
  { weight: 1, arbitrary: fc.constant(new Array<number>(1_100).fill(3)) },
);
const round = fc.integer({ min: 1, max: 6 });
const which = fc.nat({ max: 3_000 });
const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    {
      weight: 5,
      arbitrary: fc.record({ kind: one('add'), sizes, deadlineMs: fc.nat({ max: 900 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: one('take'),
        round,
        commands: fc.integer({ min: 1, max: 300 }),
        bytes: fc.integer({ min: 1, max: 900 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: one('resolve'), which }) },
    { weight: 2, arbitrary: fc.record({ kind: one('cancel'), which }) },
    { weight: 2, arbitrary: fc.record({ kind: one('requeue'), round }) },
    { weight: 2, arbitrary: fc.record({ kind: one('expire'), ms: fc.nat({ max: 300 }) }) },
  ),
  { maxLength: 60, size: 'max' },
);

interface Command {
  readonly sequence: number;
  readonly bytes: number;
  readonly deadlineMs: number;
  state: 'queued' | 'sent' | 'done';
  /** Of the ballot it was sent in last. */
  round: number;
  outcome: string | undefined;
  told: string | undefined;
}

/** Commands with their states, one after the other; and what their callers were told. */
class Pair {
  readonly #proposals = new Proposals({ self: 3, epoch, limits });
  readonly #commands: Command[] = [];
  #nowMs = 0;
  #highest = 1;

  run(action: Action): void {
    if (action.kind === 'add') this.#add(action.sizes, this.#nowMs + action.deadlineMs);
    if (action.kind === 'take') this.#take(action);
    if (action.kind === 'resolve') this.#resolve(action.which);
    if (action.kind === 'cancel') {
      const command = this.#commands[action.which % Math.max(1, this.#commands.length)];
      if (command === undefined) return;
      this.#proposals.cancel(command.sequence, 'enough');
      this.#end(command, outcomeOf(command));
    }
    if (action.kind === 'requeue') {
      this.#proposals.requeueBelow(ballot(action.round, 1));
      for (const c of this.#commands) {
        if (c.state === 'sent' && c.round < action.round) c.state = 'queued';
      }
    }
    if (action.kind === 'expire') {
      this.#nowMs += action.ms;
      this.#proposals.expire(this.#nowMs);
      for (const c of this.#commands) {
        if (c.deadlineMs <= this.#nowMs) this.#end(c, outcomeOf(c));
      }
    }
    this.#compare();
  }

  close(): void {
    this.#proposals.closeAll(undefined);
    for (const c of this.#commands) this.#end(c, outcomeOf(c));
    this.#compare();
  }

  #add(bytes: readonly number[], deadlineMs: number): void {
    const open = this.#commands.filter((c) => c.state !== 'done');
    const first = this.#commands.length + 1;
    const span = first + bytes.length - (open[0]?.sequence ?? first);
    const held = open.reduce((sum, c) => sum + c.bytes, 0);
    const adds = bytes.reduce((sum, n) => sum + n, 0);
    const code = bytes.some((n) => n > limits.commandBytesMax)
      ? 'RSL_COMMAND_TOO_LARGE'
      : span > limits.pendingCommandsMax || held + adds > limits.pendingBytesMax
        ? 'RSL_OVERLOADED'
        : undefined;
    const sink: ManyResults = {
      result: (i) => this.#hear(first + i, 'result'),
      error: (i, error: RslError) => this.#hear(first + i, error.outcome),
    };
    const given = bytes.map((n) => new Uint8Array(n));
    const adding = () => this.#proposals.add(given, sink, deadlineMs);
    if (code !== undefined) {
      expect(adding).toThrowError(expect.objectContaining({ code }) as Error);
      return;
    }
    expect(adding()).toBe(first);
    for (const [i, n] of bytes.entries()) {
      const open = { state: 'queued', round: 0, outcome: undefined, told: undefined } as const;
      this.#commands.push({ ...open, sequence: first + i, bytes: n, deadlineMs });
    }
  }

  #hear(sequence: number, told: string): void {
    const command = this.#commands[sequence - 1] as Command;
    expect(command.told, `${sequence} hears once`).toBeUndefined();
    command.told = told;
  }

  /** A replica sends in rising ballots only. */
  #take({ round: of, commands: most, bytes: bytesMax }: Extract<Action, { kind: 'take' }>): void {
    this.#highest = Math.max(this.#highest, of);
    const segment = this.#proposals.takeSegment(ballot(this.#highest, 1), most, bytesMax);
    const queued = this.#commands.filter((c) => c.state === 'queued');
    if (segment === undefined) {
      expect(queued).toEqual([]);
      return;
    }
    const header = checkSegment(segment);
    expect(header).toMatchObject({ origin: 3, epoch, firstSequence: queued[0]?.sequence });
    expect(header.count).toBeGreaterThan(0);
    expect(header.count).toBeLessThanOrEqual(most);
    if (header.count > 1) expect(header.bytes).toBeLessThanOrEqual(bytesMax + 64);
    for (let i = 0; i < header.count; i += 1) {
      const command = this.#commands[header.firstSequence - 1 + i] as Command;
      expect(command.state, `${command.sequence}`).toBe('queued');
      command.state = 'sent';
      command.round = this.#highest;
    }
  }

  /** It was executed: that happens only to what was sent, even if its caller waits no more. */
  #resolve(at: number): void {
    const sent = this.#commands.filter((c) => c.round > 0);
    const command = sent[at % Math.max(1, sent.length)];
    if (command === undefined || command.state === 'queued') return;
    expect(this.#proposals.wants(command.sequence)).toBe(command.state !== 'done');
    this.#proposals.resolve(command.sequence, new Uint8Array(0));
    this.#end(command, 'result');
  }

  #end(command: Command, outcome: string): void {
    if (command.state === 'done') return;
    command.state = 'done';
    command.outcome = outcome;
  }

  #compare(): void {
    const wrong = this.#commands.find((c) => c.told !== c.outcome);
    expect(wrong, 'every caller hears the outcome').toBeUndefined();
    const open = this.#commands.filter((c) => c.state !== 'done');
    expect(this.#proposals.pendingCount).toBe(open.length);
    expect(this.#proposals.queuedCount).toBe(open.filter((c) => c.state === 'queued').length);
    expect(this.#proposals.pendingBytes).toBe(open.reduce((sum, c) => sum + c.bytes, 0));
  }
}

const outcomeOf = ({ state }: Command): string => (state === 'sent' ? 'unknown' : 'not-executed');

test(
  'the ring is a list of commands, each queued, sent or done, and each caller hears once',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const pair = new Pair();
        for (const action of all) pair.run(action);
        pair.close();
      }),
      runs(711, 120),
    );
  },
  patienceMs,
);

import { ensures, old, requires } from '@rsl/contracts';
import { BatchReader } from '../codec/batch.ts';
import { RslError } from '../errors.ts';
import { type Ballot, compareBallots, zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import { kindOf, type Value } from '../paxos/value.ts';
import type { Batch, Results, StateMachine } from '../ports/state-machine.ts';
import { SlotSkippedError, StateMachineFailedError } from '../state-machine-errors.ts';
import type { Proposals } from './proposals.ts';

/** Hands slots to the state machine, and results to the callers that wait for them. */
export class Execution {
  readonly #machine: Pick<StateMachine, 'execute'>;
  readonly #self: ReplicaId;
  readonly #batch = new OpenBatch();
  readonly #results: CollectedResults;
  readonly #proposals: Proposals;
  readonly #skip: ReadonlySet<Slot>;
  #reflected: Slot = 0;
  executedThrough: Slot = 0;
  /** Group time: the highest stamp so far (P10). */
  timeMs = 0;
  /** The highest ballot that an executed batch was sealed in. */
  sealedIn: Ballot = zeroBallot;
  commands = 0;
  /** Batches that were void: see `execute`. */
  voids = 0;
  /** Batches that were passed over because the operator said so. */
  skips = 0;

  constructor(
    machine: Pick<StateMachine, 'execute'>,
    self: ReplicaId,
    proposals: Proposals,
    skip: ReadonlySet<Slot> = new Set(),
  ) {
    this.#machine = machine;
    this.#self = self;
    this.#proposals = proposals;
    this.#skip = skip;
    this.#results = new CollectedResults(this.#batch, (i) => this.#sequenceOf(i));
  }

  /**
   * Starts after `executedThrough`; of the slots up to `reflected` the state machine has the
   * effects already, so that only their time and ballots are taken in.
   */
  begin(executedThrough: Slot, reflected: Slot): void {
    this.executedThrough = executedThrough;
    this.#reflected = reflected;
  }

  /**
   * Executes a slot. A batch that was sealed in a lower ballot than one before it is void: some
   * acceptor voted for it after a later leader had begun, and a still later one found that vote.
   * It was never decided in its own ballot, so nobody was told that it was; and whoever sent a
   * command to that earlier leader may know from here on that it will not execute, and send it
   * again. The same everywhere, for everybody executes the same slots.
   *
   * StateMachineFailedError whatever the state machine throws: it cannot go on (P7).
   */
  execute(slot: Slot, value: Value, live: boolean): void {
    requires(() => slot === this.executedThrough + 1, 'executed-1 every slot, in order, once (P7)');
    const before = old(() => ({ timeMs: this.timeMs, sealedIn: this.sealedIn }));
    if (kindOf(value) === 'batch') {
      try {
        this.#executeBatch(slot, value, live);
      } catch (error) {
        throw error instanceof RslError && error.code === 'RSL_STATE_MACHINE_FAILED'
          ? error
          : new StateMachineFailedError(slot, error);
      }
    }
    this.executedThrough = slot;
    ensures(() => this.timeMs >= before.timeMs, 'executed-2 group time never goes back (P10)');
    ensures(
      () => compareBallots(this.sealedIn, before.sealedIn) >= 0,
      'executed-3 a batch sealed in a lower ballot than an executed one is void',
    );
    if (live) this.#results.deliver(this.#proposals);
  }

  #executeBatch(slot: Slot, value: Value, live: boolean): void {
    const batch = this.#batch;
    batch.reader.open(value);
    if (compareBallots(batch.reader.ballot, this.sealedIn) < 0) {
      this.voids += 1;
      return;
    }
    this.sealedIn = batch.reader.ballot;
    this.timeMs = Math.max(this.timeMs, batch.reader.stampMs);
    if (slot <= this.#reflected) return;
    if (this.#skip.has(slot)) return this.#pass(slot);
    batch.slot = slot;
    batch.live = live;
    batch.timeMs = this.timeMs;
    this.#results.begin(live);
    this.#machine.execute(batch, this.#results);
    if (this.#results.pushed !== batch.count) {
      const what = `${this.#results.pushed} results for ${batch.count} commands`;
      throw new StateMachineFailedError(slot, new Error(what));
    }
    this.commands += batch.count;
  }

  /** Time and ballots go on as everywhere; only the state machine does not see it. */
  #pass(slot: Slot): void {
    this.skips += 1;
    for (let i = 0; i < this.#batch.count; i += 1) {
      const sequence = this.#sequenceOf(i);
      if (sequence > 0) this.#proposals.refuse(sequence, new SlotSkippedError(slot));
    }
  }

  /** The caller's sequence of command i, or 0 if it is nobody's here. */
  #sequenceOf(i: number): number {
    let first = 0;
    for (const segment of this.#batch.reader.segments) {
      if (i < first + segment.count) {
        const ours = segment.origin === this.#self && segment.epoch === this.#proposals.epoch;
        const sequence = segment.firstSequence + i - first;
        return ours && this.#proposals.wants(sequence) ? sequence : 0;
      }
      first += segment.count;
    }
    return 0;
  }
}

/** The batch as the state machine sees it. */
class OpenBatch implements Batch {
  readonly reader = new BatchReader();
  slot: Slot = 0;
  timeMs = 0;
  live = false;

  get count(): number {
    return this.reader.count;
  }

  get bytes(): Uint8Array {
    return this.reader.bytes;
  }

  start(i: number): number {
    return this.reader.start(i);
  }

  end(i: number): number {
    return this.reader.end(i);
  }

  session(): undefined {
    return undefined;
  }
}

/** Keeps the results that somebody waits for until the whole slot is executed. */
class CollectedResults implements Results {
  readonly #batch: OpenBatch;
  readonly #sequenceOf: (i: number) => number;
  #sequences: number[] = [];
  #results: Uint8Array[] = [];
  #live = false;
  pushed = 0;

  constructor(batch: OpenBatch, sequenceOf: (i: number) => number) {
    this.#batch = batch;
    this.#sequenceOf = sequenceOf;
  }

  begin(live: boolean): void {
    this.pushed = 0;
    this.#live = live;
  }

  wanted(i: number): boolean {
    return this.#live && this.#sequenceOf(i) > 0;
  }

  push(result: Uint8Array): void {
    if (this.#live && this.pushed < this.#batch.count) {
      const sequence = this.#sequenceOf(this.pushed);
      if (sequence > 0) {
        this.#sequences.push(sequence);
        this.#results.push(result);
      }
    }
    this.pushed += 1;
  }

  deliver(proposals: Proposals): void {
    if (this.#sequences.length === 0) return;
    const sequences = this.#sequences;
    const results = this.#results;
    this.#sequences = [];
    this.#results = [];
    for (let i = 0; i < sequences.length; i += 1) {
      proposals.resolve(sequences[i] as number, results[i] as Uint8Array);
    }
  }
}

import { requires } from '@rsl/contracts';
import type { CallOptions, ManyResults } from '../api.ts';
import { ClosedError, type RslError, StorageError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Limits } from '../limits.ts';
import type { ReadId } from '../paxos/input.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { Clock } from '../ports/clock.ts';
import type { LayerOrder } from '../ports/layer.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { Barriers } from './barriers.ts';
import type { Besides } from './besides.ts';
import type { Intaker } from './calls.ts';
import { Execution } from './execution.ts';
import type { Application, Engine } from './halves.ts';
import { Leading } from './leading.ts';
import { MeasuredMachine, type Metrics } from './metrics.ts';
import type { control, Under } from './proposal-ring.ts';
import { Proposals } from './proposals.ts';
import { ExecutedState } from './replicated-state.ts';

export interface LocalApplicationOptions {
  readonly self: ReplicaId;
  /** Random, 48 bits: this start. */
  readonly epoch: number;
  readonly limits: Limits;
  /** Slots whose batches are not executed. */
  readonly skip: ReadonlySet<Slot>;
  readonly clock: Clock;
  readonly stateMachine: StateMachine;
  readonly metrics: Metrics;
  readonly emit: Emit;
  readonly engine: () => Pick<Engine, 'refusesCommands' | 'wake'> | undefined;
}

/** The state machine, and the callers who wait for it: on the thread that started the replica. */
export class LocalApplication implements Application, Intaker {
  readonly emit: Emit;
  readonly leading: Leading;
  readonly metrics: Metrics;
  /** For layers. */
  readonly state: ExecutedState;
  readonly #engine: LocalApplicationOptions['engine'];
  readonly #execution: Execution;
  readonly #proposals: Proposals;
  readonly #barriers: Barriers;
  #besides: Besides | undefined;
  /** Set once it has ended: why, unless it was closed. */
  #end: { readonly failure: RslError | undefined } | undefined;

  constructor(options: LocalApplicationOptions) {
    const { self, epoch, limits, skip, clock, stateMachine, metrics } = options;
    this.#engine = options.engine;
    this.emit = options.emit;
    this.metrics = metrics;
    this.leading = new Leading(this.emit);
    this.#proposals = new Proposals({ self, epoch, limits });
    this.#barriers = new Barriers(limits);
    const measured = new MeasuredMachine(stateMachine, clock, metrics);
    this.#execution = new Execution(measured, self, this.#proposals, skip, limits);
    this.state = new ExecutedState(this.#execution, stateMachine);
  }

  get progress(): Execution {
    return this.#execution;
  }

  get commands(): Proposals {
    return this.#proposals;
  }

  get pending(): { readonly commands: number; readonly bytes: number } {
    return { commands: this.#proposals.pendingCount, bytes: this.#proposals.pendingBytes };
  }

  /** Nothing is executed meanwhile. */
  get isLoading(): boolean {
    return this.state.isLoading;
  }

  get isIdle(): boolean {
    return this.#proposals.pendingCount === 0 && this.#barriers.waiting === 0;
  }

  // ---- callers

  propose(
    commands: readonly Uint8Array[],
    sink: ManyResults,
    deadlineMs: number,
    under?: Under | typeof control,
    firstNumber?: number,
  ): number {
    this.mustRun();
    if (this.#engine()?.refusesCommands === true) throw noRoom();
    const first = this.#proposals.add(commands, sink, deadlineMs, under, firstNumber);
    this.#engine()?.wake();
    return first;
  }

  cancel(sequence: number, reason: unknown): void {
    this.#proposals.cancel(sequence, reason);
  }

  barrier(deadlineMs: number, options: CallOptions): Promise<Slot> {
    this.mustRun();
    const promise = this.#barriers.add(deadlineMs, options.signal);
    this.#engine()?.wake();
    return promise;
  }

  /** Q3: the state machine's own position, whoever leads, and also where nobody does. */
  async barrierAtLeast(slot: Slot, deadlineMs: number, options: CallOptions): Promise<Slot> {
    this.mustRun();
    const { executedThrough } = this.#execution;
    // What is half loaded is no state: it is read once it is whole, and then it is a later one.
    const wanted = this.isLoading ? Math.max(slot, executedThrough + 1) : slot;
    if (executedThrough >= wanted) return executedThrough;
    this.#engine()?.wake();
    return this.#barriers.addAtLeast(wanted, deadlineMs, options.signal);
  }

  /** ClosedError once it has ended. */
  mustRun(): void {
    if (this.#end === undefined) return;
    const { failure } = this.#end;
    const why = failure === undefined ? 'was closed' : `stopped: ${failure.message}`;
    throw new ClosedError(`the replica ${why}`, { cause: failure });
  }

  // ---- the engine

  /** `live` is false while the log is replayed at a start. */
  execute(slot: Slot, value: Value, live = true): void {
    this.#execution.execute(slot, value, live);
    this.#barriers.executed(slot);
    this.#besides?.executed(slot, value);
  }

  /** From now on they hear of each slot. */
  give(besides: Besides): void {
    this.#besides = besides;
  }

  order(channel: number, order: LayerOrder): void {
    this.#besides?.order(channel, order);
  }

  /** The state is another one's, loaded: what its callers wait for may be in it. */
  installed(slot: Slot): void {
    requires(
      () => this.#execution.executedThrough >= slot,
      'application-1 the state is replaced before the engine goes on behind it (R8)',
    );
    this.#barriers.passed(this.#execution.executedThrough);
  }

  takeRead(): ReadId | undefined {
    return this.#barriers.take();
  }

  readReady(read: ReadId): void {
    this.#barriers.ready(read, this.#execution.executedThrough);
  }

  expire(nowMs: number): readonly ReadId[] {
    this.#proposals.expire(nowMs);
    return this.#barriers.expire(nowMs);
  }

  /** Listeners are told after it anyway. */
  turnEnds(): void {}

  close(failure: RslError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { failure };
    this.#proposals.closeAll(failure);
    this.#barriers.closeAll(failure);
    this.#execution.executed.close(failure);
  }

  /** Of what was executed, for the status. */
  counters(): Record<string, number> {
    const { commands, skips, voids } = this.#execution;
    return { commands, skips, voids };
  }
}

const noRoom = (): StorageError =>
  new StorageError(
    'RSL_STORAGE_FULL',
    'the log has no room for more commands; make room where it is kept, it goes on by itself',
  );

import { ensures, old, requires } from '@rsl/contracts';
import { BatchReader } from '../codec/batch.ts';
import { RslError } from '../errors.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import { type Ballot, compareBallots, zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import { kindOf, type Value } from '../paxos/value.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Session } from '../sessions/session.ts';
import { Sessions } from '../sessions/sessions.ts';
import { Deliveries } from './deliveries.ts';
import { SlotSkippedError, StateMachineFailedError } from '../state-machine-errors.ts';
import { ExecutedSlots } from './executed-slots.ts';
import type { Proposals } from './proposals.ts';
import { SlotPlan } from './slot-plan.ts';

/** What an image says beside the state machine's own state. */
export interface Installed {
  readonly timeMs: number;
  readonly sealedIn: Ballot;
  readonly sessions: Sessions;
}

/** Hands slots to the state machine, and results to the callers that wait for them. */
export class Execution {
  readonly #machine: Pick<StateMachine, 'execute' | 'wakeAtMs' | 'sessionEnded'>;
  readonly #reader = new BatchReader();
  readonly #plan: SlotPlan;
  readonly #deliveries: Deliveries;
  readonly #proposals: Proposals;
  readonly sessions = new Sessions();
  /** For whoever wants to know what was executed. */
  readonly executed: ExecutedSlots;
  readonly #skip: ReadonlySet<Slot>;
  #reflected: Slot = 0;
  #isStateless = false;
  /** What is executed up to here happened before, in an earlier life of this replica. */
  #replayThrough: Slot = 0;
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
    machine: Pick<StateMachine, 'execute' | 'wakeAtMs' | 'sessionEnded'>,
    self: ReplicaId,
    proposals: Proposals,
    skip: ReadonlySet<Slot> = new Set(),
    limits: Pick<Limits, 'streamBytesMax' | 'streamsMax'> = defaultLimits,
  ) {
    this.#machine = machine;
    this.#plan = new SlotPlan(this.#reader, this.sessions);
    this.#proposals = proposals;
    this.#deliveries = new Deliveries(self, this.#reader, this.#plan, proposals);
    this.#skip = skip;
    this.executed = new ExecutedSlots(limits);
  }

  /**
   * Starts after `executedThrough`; of the slots up to `reflected` the state machine has the
   * effects already, so that only their time, ballots and sessions are taken in.
   */
  begin(executedThrough: Slot, reflected: Slot): void {
    this.executedThrough = executedThrough;
    this.#reflected = reflected;
    this.executed.begin(executedThrough);
  }

  /**
   * What it would go on from is lost: nothing is executed or answered before another state is
   * installed. Slots up to `replayThrough` are executed behind that, and not for the first time.
   */
  await(replayThrough: Slot): void {
    this.#isStateless = true;
    this.#replayThrough = replayThrough;
  }

  get isStateless(): boolean {
    return this.#isStateless;
  }

  /** The state machine has the effects of slots that were not executed yet. */
  get isAhead(): boolean {
    return this.#reflected > this.executedThrough;
  }

  /** The state machine has the effects of `slot`. */
  reflects(slot: Slot): boolean {
    return slot <= Math.max(this.#reflected, this.executedThrough);
  }

  /**
   * Goes on after `slot`: the state machine reflects it, and this is what other replicas made of
   * the slots up to it. Which commands of callers were among those is not known: what was sent
   * is asked again under its session, or ends with RSL_OUTCOME_UNKNOWN: a ballot seen from here on
   * proves nothing about it.
   */
  install(slot: Slot, { timeMs, sealedIn, sessions }: Installed): void {
    requires(
      () => slot > this.executedThrough,
      'executed-4 a state is installed forward only (P7)',
    );
    const before = old(() => ({ timeMs: this.timeMs, sealedIn: this.sealedIn }));
    this.#isStateless = false;
    this.executedThrough = slot;
    this.timeMs = timeMs;
    this.sealedIn = sealedIn;
    this.sessions.become(sessions);
    this.executed.passOver(slot);
    this.#proposals.passOver();
    ensures(
      () => timeMs >= before.timeMs && compareBallots(sealedIn, before.sealedIn) >= 0,
      'executed-5 group time and ballots never go back, by an installed state either (P10)',
    );
  }

  /** Group time at which the state machine wants to be woken, if anything is due. */
  get wakeAtMs(): number | undefined {
    return this.#machine.wakeAtMs?.();
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
  execute(slot: Slot, value: Value, isNew: boolean): void {
    requires(() => slot === this.executedThrough + 1, 'executed-1 every slot, in order, once (P7)');
    requires(() => !this.#isStateless, 'executed-6 nothing is executed without a state (S6)');
    const live = isNew && slot > this.#replayThrough;
    const before = old(() => ({ timeMs: this.timeMs, sealedIn: this.sealedIn }));
    const isSkipped = this.#skip.has(slot);
    let isTaken = false;
    try {
      isTaken = kindOf(value) === 'batch' && this.#open(value);
      if (isTaken) this.#takeIn(slot, live, isSkipped);
    } catch (error) {
      throw error instanceof RslError && error.code === 'RSL_STATE_MACHINE_FAILED'
        ? error
        : new StateMachineFailedError(slot, error);
    }
    this.executedThrough = slot;
    this.#keep(slot, isTaken && !isSkipped ? value : undefined);
    ensures(() => this.timeMs >= before.timeMs, 'executed-2 group time never goes back (P10)');
    ensures(
      () => compareBallots(this.sealedIn, before.sealedIn) >= 0,
      'executed-3 a batch sealed in a lower ballot than an executed one is void',
    );
    if (live) this.#deliveries.deliver(isSkipped ? new SlotSkippedError(slot) : undefined);
  }

  /** Whoever reads it hears of each command that executes, and of no other: once (P9). */
  #keep(slot: Slot, batch: Value | undefined): void {
    const { timeMs } = this;
    const plan = this.#plan;
    const kept =
      batch === undefined || plan.count === 0
        ? { value: undefined, places: undefined }
        : { value: batch, places: plan.places };
    this.executed.add({ slot, timeMs, ...kept });
  }

  /** Takes in its ballot and its time; false if it is void. */
  #open(value: Value): boolean {
    const reader = this.#reader;
    reader.open(value);
    if (compareBallots(reader.ballot, this.sealedIn) < 0) {
      this.voids += 1;
      return false;
    }
    this.sealedIn = reader.ballot;
    this.timeMs = Math.max(this.timeMs, reader.stampMs);
    this.sessions.pass(reader.ledMs);
    return true;
  }

  #takeIn(slot: Slot, live: boolean, isSkipped: boolean): void {
    this.#plan.begin(slot, this.timeMs, live);
    const isReflected = slot <= this.#reflected;
    if (!isReflected) this.#deliveries.begin(live);
    if (!isReflected && !isSkipped) return this.#executeBatch(slot);
    // The state machine does not see it; time, ballots and sessions go on as everywhere.
    if (!isReflected) this.skips += 1;
    this.#plan.finish(false);
    this.sessions.expire();
  }

  #executeBatch(slot: Slot): void {
    const plan = this.#plan;
    this.#machine.execute(plan, this.#deliveries);
    const { pushed } = this.#deliveries;
    if (pushed !== plan.count) {
      const what = `${pushed} results for ${plan.count} commands`;
      throw new StateMachineFailedError(slot, new Error(what));
    }
    plan.finish(true);
    this.commands += plan.count;
    this.#end(plan.closed);
    this.#end(this.sessions.expire());
  }

  #end(sessions: readonly Session[]): void {
    const { live, slot, timeMs } = this.#plan;
    for (const { id } of sessions) this.#machine.sessionEnded?.(id, { slot, timeMs, live });
  }
}

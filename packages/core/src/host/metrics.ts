import type { ReplicaMetrics } from '../api.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Batch, Results, SlotMoment, StateMachine } from '../ports/state-machine.ts';
import type { SessionId } from '../sessions/session-name.ts';
import { Quantity } from './quantity.ts';
import type { SlowWarnings } from './slow.ts';

/** One of so many commands is measured. */
export const commandsPerSample = 64;

/** A leader measures at most so many of its slots in flight. */
const slotsMeasuredMax = 4_096;

/**
 * How long things take, and how large they are, since the start or the last reset. Looks at the
 * clock once for each append, twice for each slot executed, and otherwise where the host has.
 */
export class Metrics {
  readonly #clock: Clock;
  readonly #slow: SlowWarnings;
  readonly #commandUs = new Quantity();
  readonly #decideUs = new Quantity();
  readonly #appendUs = new Quantity();
  readonly #executeUs = new Quantity();
  readonly #turnUs = new Quantity();
  readonly #turnDelayUs = new Quantity();
  readonly #batchCommands = new Quantity();
  readonly #batchBytes = new Quantity();
  readonly #proposed: ProposedSlots;
  readonly #tickMs: number;
  /** The time of the host's newest step. */
  nowMs: number;
  /** The first tick is never late. */
  #tickedAtMs = Infinity;
  #tickBeganMs = 0;
  #tickDelayMs = 0;
  /** So many commands go by before the next one that is measured. */
  #unmeasured = 0;
  #appends = 0;
  /** When the log began, or last went on, with what it still owes. */
  #appendingSinceMs = 0;
  #sinceMs: number;

  constructor(clock: Clock, slow: SlowWarnings, slotsInFlightMax: number, tickMs: number) {
    this.#clock = clock;
    this.#slow = slow;
    this.#proposed = new ProposedSlots(Math.min(slotsInFlightMax, slotsMeasuredMax));
    this.#tickMs = tickMs;
    this.nowMs = clock.nowMs();
    this.#sinceMs = this.nowMs;
  }

  // ---- commands

  /** What measures some of a call's commands; undefined for most calls of one command. */
  sample(count: number): CommandSample | undefined {
    if (this.#unmeasured >= count) {
      this.#unmeasured -= count;
      return undefined;
    }
    const first = this.#unmeasured;
    this.#unmeasured = commandsPerSample - 1 - ((count - 1 - first) % commandsPerSample);
    return new CommandSample(first, this.#clock, this.#commandUs);
  }

  // ---- slots of a leader

  proposed(slot: Slot): void {
    this.#proposed.add(slot, this.nowMs);
  }

  decided(slot: Slot): void {
    const proposedAtMs = this.#proposed.take(slot);
    if (proposedAtMs !== undefined) this.#decideUs.record(1_000 * (this.nowMs - proposedAtMs));
  }

  /** It leads no more: what it proposed may be decided by somebody else. */
  notLeading(): void {
    this.#proposed.clear();
  }

  // ---- the log

  /** Gives the time, which the same append gives back when it is durable. */
  appendBegan(): number {
    if (this.#appends === 0) this.#appendingSinceMs = this.nowMs;
    this.#appends += 1;
    return this.nowMs;
  }

  appendEnded(beganMs: number, records: number, bytes: number): void {
    const nowMs = this.#clock.nowMs();
    this.#appends -= 1;
    this.#appendingSinceMs = nowMs;
    // Without records it only waits for earlier ones.
    if (records === 0) return;
    this.#appendUs.record(1_000 * (nowMs - beganMs));
    this.#slow.appended(nowMs - beganMs, bytes);
  }

  // ---- execution

  executed(slot: Slot, startedMs: number, commands: number, bytes: number): void {
    const ms = this.#clock.nowMs() - startedMs;
    this.#executeUs.record(1_000 * ms);
    this.#slow.executed(slot, ms);
    if (commands === 0) return;
    this.#batchCommands.record(commands);
    this.#batchBytes.record(bytes);
  }

  // ---- turns

  /** The clock's tick has come: a turn is due. How late it is tells of the event loop. */
  ticked(): void {
    const nowMs = this.#clock.nowMs();
    this.#tickDelayMs = Math.max(0, nowMs - this.#tickedAtMs - this.#tickMs);
    this.#tickedAtMs = nowMs;
  }

  /** There were no ticks for a while, and the first of others comes now: it is not late. */
  ticksBegan(): void {
    this.#tickedAtMs = Infinity;
    this.ticked();
  }

  /** The turn of a tick begins. */
  turnBegan(nowMs: number): void {
    this.#tickBeganMs = nowMs;
    this.#tickDelayMs += nowMs - this.#tickedAtMs;
    this.#turnDelayUs.record(1_000 * this.#tickDelayMs);
    // A log that does not answer at all is told of while it does not.
    if (this.#appends > 0) this.#slow.appendOutstanding(nowMs - this.#appendingSinceMs);
  }

  turnEnded(): void {
    const tookMs = this.#clock.nowMs() - this.#tickBeganMs;
    this.#turnUs.record(1_000 * tookMs);
    this.#slow.turned(this.#tickDelayMs, tookMs);
  }

  // ----

  snapshot(counters: Readonly<Record<string, number>>, reset: boolean): ReplicaMetrics {
    const nowMs = this.#clock.nowMs();
    const quantities = {
      commandUs: this.#commandUs,
      decideUs: this.#decideUs,
      appendUs: this.#appendUs,
      executeUs: this.#executeUs,
      turnUs: this.#turnUs,
      turnDelayUs: this.#turnDelayUs,
      batchCommands: this.#batchCommands,
      batchBytes: this.#batchBytes,
    };
    const distributions = Object.fromEntries(
      Object.entries(quantities).map(([name, quantity]) => [name, quantity.distribution()]),
    ) as { [K in keyof typeof quantities]: ReturnType<Quantity['distribution']> };
    const overMs = nowMs - this.#sinceMs;
    if (reset) {
      for (const quantity of Object.values(quantities)) quantity.reset();
      this.#sinceMs = nowMs;
    }
    return { overMs, counters, ...distributions };
  }
}

/** Measures command `first` of a call and every 64th after it, from the call to the result. */
export class CommandSample {
  readonly #first: number;
  readonly #clock: Clock;
  readonly #us: Quantity;
  readonly #calledAtMs: number;

  constructor(first: number, clock: Clock, us: Quantity) {
    this.#first = first;
    this.#clock = clock;
    this.#us = us;
    this.#calledAtMs = clock.nowMs();
  }

  /** Command `i` of the call has its result. */
  answered(i: number): void {
    if (i < this.#first || (i - this.#first) % commandsPerSample !== 0) return;
    this.#us.record(1_000 * (this.#clock.nowMs() - this.#calledAtMs));
  }
}

/** When each slot in flight was proposed, by slot modulo the length of the ring. */
class ProposedSlots {
  readonly #slots: Float64Array;
  readonly #atMs: Float64Array;

  constructor(length: number) {
    this.#slots = new Float64Array(length);
    this.#atMs = new Float64Array(length);
  }

  add(slot: Slot, nowMs: number): void {
    const at = slot % this.#slots.length;
    if (this.#slots[at] === slot) return;
    this.#slots[at] = slot;
    this.#atMs[at] = nowMs;
  }

  take(slot: Slot): number | undefined {
    const at = slot % this.#slots.length;
    if (this.#slots[at] !== slot) return undefined;
    this.#slots[at] = 0;
    return this.#atMs[at];
  }

  clear(): void {
    this.#slots.fill(0);
  }
}

/** The user's state machine, each live slot measured. */
export class MeasuredMachine
  implements Pick<StateMachine, 'execute' | 'wakeAtMs' | 'sessionEnded'>
{
  readonly #machine: StateMachine;
  readonly #clock: Clock;
  readonly #metrics: Metrics;

  constructor(machine: StateMachine, clock: Clock, metrics: Metrics) {
    this.#machine = machine;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  execute(batch: Batch, results: Results): void {
    if (!batch.live) return this.#machine.execute(batch, results);
    const startedMs = this.#clock.nowMs();
    this.#machine.execute(batch, results);
    this.#metrics.executed(batch.slot, startedMs, batch.count, batch.bytes.length);
  }

  wakeAtMs(): number | undefined {
    return this.#machine.wakeAtMs?.();
  }

  sessionEnded(session: SessionId, at: SlotMoment): void {
    this.#machine.sessionEnded?.(session, at);
  }
}

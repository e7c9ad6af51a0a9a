import { sealBatch } from '../codec/batch.ts';
import { encodeSegment, type SessionPart } from '../codec/segment.ts';
import { Execution } from '../host/execution.ts';
import { Proposals } from '../host/proposals.ts';
import { type KeptState, restore } from '../host/recovery.ts';
import { ExecutedState } from '../host/replicated-state.ts';
import { defaultLimits } from '../limits.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { ReplicatedState } from '../ports/layer.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { encodeControl } from '../sessions/control.ts';
import type { SessionName } from '../sessions/session-name.ts';

/** Decided slots, as a log has them: what stays when a lone machine is started again. */
export class LoneLog {
  readonly #values = new Map<Slot, Value>();
  firstSlot: Slot = 1;
  lastSlot: Slot = 0;

  /** Decides the next slot. */
  add(value: Value): Slot {
    this.lastSlot += 1;
    this.#values.set(this.lastSlot, value);
    return this.lastSlot;
  }

  /** Slots below `before` are gone. */
  cut(before: Slot): void {
    for (; this.firstSlot < before; this.firstSlot += 1) this.#values.delete(this.firstSlot);
    this.lastSlot = Math.max(this.lastSlot, this.firstSlot - 1);
  }

  /** As it is now, for another machine. */
  copy(): LoneLog {
    const other = new LoneLog();
    for (const [slot, value] of this.#values) other.#values.set(slot, value);
    other.firstSlot = this.firstSlot;
    other.lastSlot = this.lastSlot;
    return other;
  }

  /** Of the values that are kept. */
  get bytes(): number {
    return [...this.#values.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** As `LogStore.read`, with no bound of bytes. */
  async read(from: Slot, to: Slot): Promise<{ slot: Slot; ballot: undefined; value: Value }[]> {
    const found = [];
    for (let slot = from; slot <= to; slot += 1) {
      const value = this.#values.get(slot);
      if (value === undefined) break;
      found.push({ slot, ballot: undefined, value });
    }
    return found;
  }
}

/**
 * A state machine that slots are executed on as in a replica, sessions and group time included,
 * with no protocol around it: for tests of what is done beside the state machine.
 */
export class LoneMachine {
  readonly log: LoneLog;
  readonly state: ReplicatedState;
  readonly #machine: StateMachine;
  readonly #execution: Execution;
  #kept: KeptState | undefined;

  constructor(machine: StateMachine, log = new LoneLog()) {
    this.log = log;
    this.#machine = machine;
    const proposals = new Proposals({ self: 1, epoch: 1, limits: defaultLimits });
    this.#execution = new Execution(machine, 1, proposals);
    this.state = new ExecutedState(this.#execution, machine);
  }

  /** As a replica starts: what was kept, then what the log has behind it. */
  async start(kept?: KeptState): Promise<void> {
    this.#kept = kept;
    const { firstSlot, lastSlot: decidedThrough } = this.log;
    const restored = { firstSlot, decidedThrough };
    await restore(this.log, restored, this.#machine, this.#execution, kept);
  }

  /** The next slot: these commands of somebody else's, a millisecond after the slot before. */
  execute(...commands: readonly (Uint8Array | string)[]): Slot {
    return this.executeValue(this.#seal(commands, undefined));
  }

  /** The same under a session. */
  executeUnder(session: SessionPart, ...commands: readonly (Uint8Array | string)[]): Slot {
    return this.executeValue(this.#seal(commands, session));
  }

  /** In a slot of its own; `ttlMs`: led time, in milliseconds. */
  openSession(ttlMs: number): SessionName {
    const word = encodeControl({ kind: 'open', ttlMs });
    const header = { origin: 9, epoch: 1, firstSequence: 1, isControl: true };
    const slot = this.executeValue(this.#sealed([encodeSegment(header, [word])]));
    return { slot, offset: 0 };
  }

  /** What the session keeps of this sequence. */
  resultOf({ slot, offset }: SessionName, sequence: number): Uint8Array | undefined {
    const all = [...this.#execution.sessions.all()];
    return all.find((one) => one.slot === slot && one.offset === offset)?.resultOf(sequence);
  }

  /** A slot that the log has already. */
  replay(slot: Slot, value: Value): void {
    this.#execution.execute(slot, value, true);
    this.#kept?.executed(slot, value);
  }

  /** The next slot has this sealed batch. */
  executeValue(value: Value): Slot {
    const slot = this.log.add(value);
    this.replay(slot, value);
    return slot;
  }

  #seal(commands: readonly (Uint8Array | string)[], session: SessionPart | undefined): Value {
    const header = { origin: 9, epoch: 1, firstSequence: 1, session };
    const bytes = commands.map((one) => (typeof one === 'string' ? Buffer.from(one) : one));
    return this.#sealed(bytes.length === 0 ? [] : [encodeSegment(header, bytes)]);
  }

  #sealed(segments: readonly Uint8Array[]): Value {
    const stampMs = this.#execution.timeMs + 1;
    return sealBatch(stampMs, { configuration: 1, round: 1, proposer: 1 }, segments);
  }
}

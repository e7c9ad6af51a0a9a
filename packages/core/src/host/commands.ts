import { sealBatch } from '../codec/batch.ts';
import type { Forward, ForwardAck } from '../codec/host-codec.ts';
import type { Limits } from '../limits.ts';
import { type Ballot, sameBallot, zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Protocol, ReplicaView } from '../paxos/protocol.ts';
import type { Value } from '../paxos/value.ts';
import type { Clock } from '../ports/clock.ts';
import { Forwarder, Intake, type SendToHost } from './forwarding.ts';
import type { CommandSource, Progress } from './halves.ts';

export interface CommandsOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly execution: Progress;
  readonly proposals: CommandSource;
  readonly send: SendToHost;
}

/** A turn of the host that took longer was a stall: so much of it counts as led. */
const ledStepMsMax = 500;

/** Gives commands to the leader, here or elsewhere; batches form from what waits, not by time. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #forwarder: Forwarder;
  readonly #intake: Intake;
  /** The ballot of this replica that a batch was sealed in last. */
  #openedIn: Ballot = zeroBallot;
  #othersFirst = false;
  /** For how long it could propose since its last batch; what it could not, ends no session. */
  #ledMs = 0;
  #tickMs = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
    const { limits, proposals, send } = options;
    this.#forwarder = new Forwarder(limits, proposals, send);
    this.#intake = new Intake(limits);
  }

  /** Time passes for sessions only while their clients can use them. */
  onTick(protocol: Protocol | undefined, canTake: boolean, nowMs: number): void {
    const canPropose = canTake && protocol !== undefined && protocol.view.room > 0;
    if (canPropose) this.#ledMs += Math.min(ledStepMsMax, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
  }

  /** Once a turn: whatever may go on its way now does. */
  pump(protocol: Protocol, propose: (value: Value) => void): void {
    const { clock, execution, proposals } = this.#options;
    const { leader, role, ballot } = protocol.view;
    proposals.requeueBelow(execution.sealedIn);
    if (role !== 'phase2') {
      this.#ledMs = 0;
      this.#intake.begin(undefined);
      if (leader !== undefined) this.#forwarder.pump(leader, clock.nowMs());
      return;
    }
    this.#intake.begin(ballot);
    for (let { view } = protocol; view.room > 0; view = protocol.view) {
      const value = this.#nextBatch(view);
      if (value === undefined) return;
      propose(value);
    }
  }

  /** FrameError for forwarded commands that are not well formed, or not the sender's. */
  onMessage(from: ReplicaId, message: Forward | ForwardAck): void {
    if (message.kind === 'forward') this.#intake.onForward(from, message);
    else this.#forwarder.onAck(message, this.#options.clock.nowMs());
  }

  /** Nobody's commands are on their way. */
  get isIdle(): boolean {
    return this.#intake.isEmpty && this.#forwarder.isIdle;
  }

  /**
   * When time should pass although nobody writes, in milliseconds from now; 0 or less: now.
   * Undefined: nobody waits for a time.
   */
  get dueInMs(): number | undefined {
    const { clock, execution } = this.#options;
    const { timeMs, wakeAtMs } = execution;
    const { endsInMs } = execution.sessions;
    const dueInMs = Math.min(
      endsInMs === undefined ? Infinity : endsInMs - Math.floor(this.#ledMs),
      wakeAtMs === undefined || wakeAtMs <= timeMs ? Infinity : wakeAtMs - clock.wallMs(),
    );
    return dueInMs === Infinity ? undefined : dueInMs;
  }

  /** Once a turn: tells others which of their commands have arrived. */
  acknowledge(): void {
    this.#intake.acknowledge(this.#options.send);
  }

  #nextBatch(view: ReplicaView): Value | undefined {
    const { clock, execution } = this.#options;
    const { ballot } = view;
    const segments = this.#segments(ballot);
    const stampMs = Math.max(execution.timeMs, Math.floor(clock.wallMs()));
    // The first batch of a ballot makes void what earlier leaders may still propose (`Execution`).
    const isFirst = !sameBallot(ballot, this.#openedIn);
    if (segments.length === 0 && !isFirst && !this.#timeShouldPass(view, stampMs)) return undefined;
    this.#openedIn = ballot;
    const ledMs = isFirst ? 0 : Math.floor(this.#ledMs);
    this.#ledMs = isFirst ? 0 : this.#ledMs - ledMs;
    return sealBatch(stampMs, ballot, segments, ledMs);
  }

  /** Whoever leads does not starve the others' commands, nor they its own. */
  #segments(ballot: Ballot): Uint8Array[] {
    const { batchBytesMax, batchCommandsMax } = this.#options.limits;
    this.#othersFirst = !this.#othersFirst;
    if (batchCommandsMax === 1 && this.#othersFirst && !this.#intake.isEmpty) {
      return this.#intake.take(1, batchBytesMax);
    }
    const share = this.#intake.isEmpty ? 1 : 2;
    const own = this.#options.proposals.takeSegments(
      ballot,
      Math.max(1, Math.floor(batchCommandsMax / share)),
      Math.floor(batchBytesMax / share),
    );
    if (own.length === 0) return this.#intake.take(batchCommandsMax, batchBytesMax);
    const bytesLeft = batchBytesMax - own.reduce((sum, { length }) => sum + length, 0);
    if (batchCommandsMax === 1 || bytesLeft <= 0) return own;
    return [...own, ...this.#intake.take(Math.floor(batchCommandsMax / share), bytesLeft)];
  }

  /** Somebody waits for a time that has come, and nothing is on its way to bring it. */
  #timeShouldPass(view: ReplicaView, stampMs: number): boolean {
    const { execution } = this.#options;
    if (view.proposedThrough > view.executedThrough) return false;
    const { wakeAtMs } = execution;
    const { endsInMs } = execution.sessions;
    if (endsInMs !== undefined && Math.floor(this.#ledMs) >= endsInMs) return true;
    return wakeAtMs !== undefined && wakeAtMs <= stampMs && execution.timeMs < wakeAtMs;
  }
}

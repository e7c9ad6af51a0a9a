import { requires } from '@rsl/contracts';
import type { Asleep, Awake, SleepMessage, SleepRequest } from '../codec/host-codec.ts';
import type { Timings } from '../limits.ts';
import { type Ballot, sameBallot } from '../paxos/ballot.ts';
import { type Membership, memberOf, type ReplicaId } from '../paxos/membership.ts';
import type { MessageKind } from '../paxos/messages.ts';
import type { Protocol } from '../paxos/protocol.ts';
import { Quorum } from '../paxos/quorum.ts';
import type { PeerIdentity } from '../ports/transport.ts';
import { unreachable } from '../unreachable.ts';

export interface SleepHost {
  readonly self: ReplicaId;
  nowMs(): number;
  /** Undefined while it takes no part in its group. */
  protocol(): Protocol | undefined;
  connected(): Iterable<PeerIdentity>;
  send(to: ReplicaId, message: SleepMessage): void;
  /** Nothing waits in this host: no caller, no write, nothing that others are to be told. */
  isQuiet(): boolean;
  /** Tells others and writes, at once, what could have waited for a tick. */
  wrapUp(): void;
  /** No ticks from now on; what is due at a time of its own is looked after (`Rhythm`). */
  fellAsleep(): void;
  /** Ticks again, the first one at once, after the input `woken`. */
  woke(): void;
}

type SleepTimings = Pick<Timings, 'electionTimeoutMsMin' | 'sleepAfterMs'>;

/** Answers to what was asked before: who gets one is not busy for it. */
const answers: ReadonlySet<MessageKind> = new Set(['heartbeat-answer', '2b', 'grant']);

interface Asked {
  readonly ballot: Ballot;
  readonly round: number;
  readonly untilMs: number;
  /** Who has not agreed yet. */
  readonly open: Set<ReplicaId>;
}

interface Request {
  readonly of: SleepRequest;
  readonly untilMs: number;
}

/**
 * A group that has nothing to do sleeps: no heartbeats, no ticks, no timers (decision 21). Its
 * leader asks every member that it is connected with; each agrees once it has executed everything
 * and nothing waits; when all have agreed the leader sleeps too. Meanwhile it is the transport that
 * tells whether the others live: any change of a connection wakes.
 *
 * About liveness only: whoever sleeps has promised nothing, and answers whatever comes as if it
 * were awake. Whoever wakes wakes its leader, and a leader that wakes sends a heartbeat at once,
 * which wakes all. In vain, if nothing happens: at most once in `sleepAfterMs`.
 */
export class Sleep {
  readonly #host: SleepHost;
  readonly #timings: SleepTimings;
  #isAsleep = false;
  /** When something happened last. */
  #stirredAtMs: number;
  #round = 0;
  /** As leader: it does not tick until all have answered, or have taken too long. */
  #asked: Asked | undefined;
  /** As follower: it agrees as soon as it can. */
  #request: Request | undefined;

  constructor(host: SleepHost, timings: SleepTimings) {
    this.#host = host;
    this.#timings = timings;
    this.#stirredAtMs = host.nowMs();
  }

  get #isOn(): boolean {
    return this.#timings.sleepAfterMs > 0;
  }

  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  // ---- what wakes

  /** Something is to be done, or may be soon. */
  stir(by?: ReplicaId): void {
    if (!this.#isOn) return;
    this.#stirredAtMs = this.#host.nowMs();
    this.#asked = undefined;
    this.#request = undefined;
    if (this.#isAsleep) this.#wake(by);
  }

  /** Before the protocol hears it. */
  onMessage(from: ReplicaId, kind: MessageKind): void {
    if (!this.#isOn || answers.has(kind)) return;
    // A heartbeat says that its leader does not sleep, and nothing else that is new.
    if (kind !== 'heartbeat' || this.#isAsleep) this.stir(from);
    else this.#request = undefined;
  }

  /** It wakes its leader, unless that is who woke it. */
  #wake(by: ReplicaId | undefined): void {
    this.#isAsleep = false;
    const leader = this.#host.protocol()?.view.leader;
    this.#host.woke();
    if (leader === undefined || leader.id === this.#host.self || leader.id === by) return;
    this.#host.send(leader.id, { kind: 'awake', ballot: leader.ballot });
  }

  // ---- falling asleep

  /** True if the protocol is to have its tick: a leader that asks sends no heartbeats meanwhile. */
  onTick(nowMs: number): boolean {
    if (this.#isAsleep) return false;
    if (this.#asked === undefined) return true;
    if (nowMs < this.#asked.untilMs) return false;
    // The heartbeat that is due now wakes those who have agreed.
    this.stir();
    return true;
  }

  /** What others say about sleep wakes nobody but a leader whose follower is awake. */
  onSleepMessage(from: PeerIdentity, message: SleepMessage): void {
    switch (message.kind) {
      case 'sleep':
        return this.#onRequest(from, message);
      case 'asleep':
        return this.#onAsleep(from, message);
      case 'awake':
        return this.#onAwake(message);
      default:
        return unreachable(message);
    }
  }

  /** At the end of each turn, when nothing is left to be done in it. */
  settle(): void {
    const protocol = this.#host.protocol();
    if (!this.#isOn || protocol === undefined) return;
    const nowMs = this.#host.nowMs();
    if (this.#request !== undefined) this.#agree(this.#request, protocol, nowMs);
    else if (this.#asked !== undefined) this.#sleepIfAgreed(this.#asked, protocol);
    else this.#askIfDue(protocol, nowMs);
  }

  /** As leader, of every member that it is connected with: whoever else comes wakes it. */
  #askIfDue(protocol: Protocol, nowMs: number): void {
    const { electionTimeoutMsMin, sleepAfterMs } = this.#timings;
    if (this.#isAsleep || nowMs - this.#stirredAtMs < sleepAfterMs) return;
    const { ballot, membership, releasedThrough, role } = protocol.view;
    if (role !== 'phase2' || !protocol.isIdle) return;
    this.#host.wrapUp();
    if (!this.#mayRest(protocol)) return;
    const open = this.#reached(membership);
    open.delete(this.#host.self);
    this.#round += 1;
    const round = this.#round;
    // Shorter than anybody waits for a heartbeat: nobody stands because another does not agree.
    this.#asked = { ballot, round, untilMs: nowMs + electionTimeoutMsMin / 3, open };
    const question = { ballot, round, decidedThrough: releasedThrough };
    for (const to of open) this.#host.send(to, { kind: 'sleep', ...question });
    this.#sleepIfAgreed(this.#asked, protocol);
  }

  #sleepIfAgreed({ open }: Asked, protocol: Protocol): void {
    if (open.size > 0) return;
    if (!this.#mayRest(protocol)) return this.stir();
    this.#asked = undefined;
    this.#fallAsleep(protocol);
  }

  #onRequest(from: PeerIdentity, of: SleepRequest): void {
    const nowMs = this.#host.nowMs();
    const { electionTimeoutMsMin, sleepAfterMs } = this.#timings;
    if (!this.#isOn || of.ballot.proposer !== from.id) return;
    // It has a reason of its own to be awake, or had a moment ago.
    if (!this.#isAsleep && nowMs - this.#stirredAtMs < sleepAfterMs / 2) return;
    this.#request = { of, untilMs: nowMs + electionTimeoutMsMin / 3 };
  }

  /** As follower; its writes may have to end first. */
  #agree({ of, untilMs }: Request, protocol: Protocol, nowMs: number): void {
    if (nowMs >= untilMs) {
      this.#request = undefined;
      return;
    }
    const { executedThrough, leader } = protocol.view;
    const { ballot, round, decidedThrough } = of;
    if (leader === undefined || !sameBallot(leader.ballot, ballot)) return;
    if (executedThrough !== decidedThrough || !this.#mayRest(protocol)) return;
    this.#request = undefined;
    this.#host.wrapUp();
    this.#host.send(leader.id, { kind: 'asleep', ballot, round });
    if (!this.#isAsleep) this.#fallAsleep(protocol);
  }

  /** The answer to an earlier question says nothing: whoever gave it was woken since. */
  #onAsleep({ id }: PeerIdentity, { ballot, round }: Asleep): void {
    if (this.#asked?.round !== round || !sameBallot(this.#asked.ballot, ballot)) return;
    this.#asked.open.delete(id);
  }

  /** One of its followers does not sleep, and may hear no heartbeat. */
  #onAwake({ ballot }: Awake): void {
    const view = this.#host.protocol()?.view;
    if (view === undefined || !sameBallot(view.ballot, ballot)) return;
    if (this.#isAsleep || this.#asked !== undefined) this.stir();
  }

  /** Nothing is to be done, and the transport will tell when somebody dies who matters. */
  #mayRest(protocol: Protocol): boolean {
    if (!protocol.isIdle || !this.#host.isQuiet()) return false;
    const { leader, membership } = protocol.view;
    const reached = this.#reached(membership);
    if (leader?.id !== this.#host.self) return leader !== undefined && reached.has(leader.id);
    return new Quorum(membership).includes(reached);
  }

  /** The members that it is connected with, and itself. */
  #reached(membership: Membership): Set<ReplicaId> {
    const reached = new Set([this.#host.self]);
    for (const { id, store } of this.#host.connected()) {
      if (memberOf(membership, id, store) !== undefined) reached.add(id);
    }
    return reached;
  }

  #fallAsleep(protocol: Protocol): void {
    requires(
      () => this.#mayRest(protocol),
      'sleep-1 nobody sleeps who has something to do, or would not hear its leader die (L1, L6)',
    );
    this.#isAsleep = true;
    this.#host.fellAsleep();
  }
}

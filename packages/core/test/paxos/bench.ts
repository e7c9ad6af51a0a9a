import type { Effect } from '../../src/paxos/effect.ts';
import type { Input } from '../../src/paxos/input.ts';
import type { Membership, ReplicaId } from '../../src/paxos/membership.ts';
import type { Message, MessageKind } from '../../src/paxos/messages.ts';
import { group, type Tuning } from './fixture.ts';
import { BenchReplica } from './bench-replica.ts';

export interface Letter {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: Message;
}

export interface Between {
  readonly from?: ReplicaId;
  readonly to?: ReplicaId;
}

export interface BenchOptions extends Tuning {
  readonly replicas?: number;
  readonly membership?: Membership;
  /** Members that the test plays itself: it writes their messages and reads their mail. */
  readonly played?: readonly ReplicaId[];
  /** Replicas whose store the configuration does not name (S2). */
  readonly renewed?: readonly ReplicaId[];
}

/**
 * Pure replicas on a table: every message lies in one bag and every write waits in its replica
 * until the test says what happens next. Nothing moves by itself, so a test is the interleaving
 * that it tells.
 */
export class Bench {
  readonly replicas: ReadonlyMap<ReplicaId, BenchReplica>;
  /** Sent and not yet delivered, oldest first. */
  readonly bag: Letter[] = [];
  nowMs = 10_000;
  readonly #apart = new Set<ReplicaId>();
  /** Their logs take writes and finish none. */
  readonly stalled = new Set<ReplicaId>();

  constructor(options: BenchOptions = {}) {
    const membership = options.membership ?? group(options.replicas ?? 3);
    const played = options.played ?? [];
    const ids = membership.members.map((m) => m.id).filter((id) => !played.includes(id));
    const make = (id: ReplicaId): BenchReplica => {
      const renewed = options.renewed?.includes(id) ?? false;
      return new BenchReplica({ id, membership, tuning: options, renewed, nowMs: this.nowMs });
    };
    this.replicas = new Map(ids.map((id) => [id, make(id)]));
  }

  replica(id: ReplicaId): BenchReplica {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`there is no replica ${id}`);
    return replica;
  }

  step(id: ReplicaId, input: Input): readonly Effect[] {
    const effects = this.replica(id).step(input, this.nowMs);
    this.#post(id);
    return effects;
  }

  stand(id: ReplicaId): void {
    this.step(id, { kind: 'stand' });
  }

  propose(id: ReplicaId, text: string): void {
    this.step(id, this.replica(id).proposal(text));
  }

  /** A message that the test wrote itself, or kept from earlier. */
  put(from: ReplicaId, to: ReplicaId, message: Message): readonly Effect[] {
    return this.step(to, { kind: 'message', from, message });
  }

  /** The oldest write is durable, or all of them are; its messages leave. */
  sync(id: ReplicaId, writes = Infinity): void {
    const replica = this.replica(id);
    for (let i = 0; i < writes && replica.writes.length > 0; i += 1) {
      replica.syncOne(this.nowMs);
      this.#post(id);
    }
  }

  /** Delivers the oldest message of this kind; it must be there. */
  deliver(kind: MessageKind, between: Between = {}): void {
    const letter = this.take(kind, between);
    this.put(letter.from, letter.to, letter.message);
  }

  /** The oldest message of this kind, out of the bag. */
  take(kind: MessageKind, between: Between = {}): Letter {
    const i = this.bag.findIndex((letter) => matches(letter, kind, between));
    const [letter] = i < 0 ? [] : this.bag.splice(i, 1);
    if (letter === undefined) throw new Error(`no ${kind} ${JSON.stringify(between)} in the bag`);
    return letter;
  }

  mail(kind: MessageKind, between: Between = {}): readonly Letter[] {
    return this.bag.filter((letter) => matches(letter, kind, between));
  }

  /** A played member answers the newest heartbeat that it was sent. */
  answer(from: ReplicaId, to: ReplicaId): void {
    const newest = this.mail('heartbeat', { from: to, to: from }).at(-1)?.message;
    if (newest?.kind !== 'heartbeat') throw new Error(`no heartbeat for ${from} in the bag`);
    const { ballot, round } = newest;
    this.put(from, to, {
      kind: 'heartbeat-answer',
      ballot,
      round,
      executedThrough: 0,
      full: false,
    });
  }

  /** Loses what matches; says how many that were. */
  drop(kind?: MessageKind, between: Between = {}): number {
    const lost = this.bag.filter((letter) => matches(letter, kind, between));
    for (const letter of lost) this.bag.splice(this.bag.indexOf(letter), 1);
    return lost.length;
  }

  /** Everything becomes durable, every message arrives, until nothing is left. */
  settle(): void {
    for (let steps = 0; ; steps += 1) {
      if (steps > 10_000) throw new Error('does not settle');
      for (const id of this.replicas.keys()) if (!this.stalled.has(id)) this.sync(id);
      const letter = this.bag.shift();
      if (letter === undefined) return;
      const replica = this.replicas.get(letter.to);
      if (replica?.alive === true) this.put(letter.from, letter.to, letter.message);
    }
  }

  /** Stands, and everything that follows. */
  elect(id: ReplicaId): void {
    this.stand(id);
    this.settle();
    if (this.replica(id).view.role !== 'phase2') throw new Error(`${id} was not elected`);
  }

  /** Time passes: everybody looks at the clock every 10 ms, and all messages arrive. */
  wait(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 10;
      for (const id of this.replicas.keys()) this.tick(id);
      this.settle();
    }
  }

  tick(id: ReplicaId): void {
    if (this.replica(id).alive) this.step(id, { kind: 'tick' });
  }

  /** From now on nothing reaches it, and nothing of it arrives. */
  cutOff(id: ReplicaId): void {
    this.#apart.add(id);
    this.drop(undefined, { from: id });
    this.drop(undefined, { to: id });
  }

  rejoin(id: ReplicaId): void {
    this.#apart.delete(id);
  }

  /** Everything that was not durable is gone, and what it had sent stays in the bag. */
  crash(id: ReplicaId): void {
    this.replica(id).crash();
  }

  restart(id: ReplicaId): void {
    this.replica(id).restart(this.nowMs);
  }

  #post(from: ReplicaId): void {
    for (const { to, message } of this.replica(from).outgoing.splice(0)) {
      if (this.#apart.has(from) || this.#apart.has(to)) continue;
      this.bag.push({ from, to, message });
    }
  }
}

function matches(letter: Letter, kind: MessageKind | undefined, { from, to }: Between): boolean {
  const fits = kind === undefined || letter.message.kind === kind;
  return fits && (from ?? letter.from) === letter.from && (to ?? letter.to) === letter.to;
}

import type { Effect } from '../../src/paxos/effect.ts';
import type { Input } from '../../src/paxos/input.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { ReplicaId } from '../../src/paxos/membership.ts';
import type { Message } from '../../src/paxos/messages.ts';
import type { Restored } from '../../src/paxos/protocol.ts';
import { Replica } from '../../src/paxos/replica.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Value } from '../../src/paxos/value.ts';
import { group, settingsOf, textOf, type Tuning } from '../paxos/fixture.ts';
import { restoredFrom, valuesOf } from '../paxos/restored.ts';
import { check } from './ledger.ts';
import { Observer } from './observer.ts';
import { described } from './described.ts';

type Persist = Extract<Effect, { kind: 'persist' }>;
type Serve = Extract<Effect, { kind: 'serve' }>;

export interface Letter {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: Message;
}

/** One replica with its medium: a list of records, and of writes that are under way. */
class Node {
  readonly disk: LogRecord[] = [];
  readonly unreadable = new Set<LogRecord>();
  writes: { readonly persist: Persist; readonly firstSlot: Slot }[] = [];
  replica: Replica | undefined;
  firstSlot: Slot = 1;
  durableFirstSlot: Slot = 1;
  released: Slot = 0;
  readonly texts: string[] = [];
  /** What must be in a read's answer: everything that anybody had executed when it was asked. */
  readonly reads = new Map<number, Slot>();
}

/** Pure replicas, their mail and their media; every step is written down and watched. */
export class World {
  readonly nodes = new Map<ReplicaId, Node>();
  readonly observer: Observer;
  readonly trace: string[] = [];
  bag: Letter[] = [];
  nowMs = 0;
  #reads = 0;
  readonly #tuning: Tuning;
  readonly #voters: number;

  constructor(voters: number, tuning: Tuning) {
    this.#tuning = tuning;
    this.#voters = voters;
    const ids = Array.from({ length: voters }, (_, i) => i + 1);
    this.observer = new Observer(ids);
    for (const id of ids) this.nodes.set(id, new Node());
    for (const id of ids) this.start(id);
  }

  node(id: ReplicaId): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`nobody is ${id}`);
    return node;
  }

  get highestReleased(): Slot {
    return Math.max(...[...this.nodes.values()].map((node) => node.texts.length));
  }

  step(id: ReplicaId, input: Input): readonly Effect[] {
    const node = this.node(id);
    if (node.replica === undefined) return [];
    const effects = node.replica.step(input, this.nowMs);
    for (const effect of effects) this.#take(id, node, effect);
    return effects;
  }

  /** The oldest write is durable, and what waited for it leaves. */
  sync(id: ReplicaId): void {
    const node = this.node(id);
    const write = node.writes.shift();
    if (write === undefined || node.replica === undefined) return;
    this.trace.push(`  ${id} has on its medium: ${described(write.persist.records)}`);
    this.#keep(id, write);
    this.observer.onLeaving(id, write.persist.then);
    for (const { to, message } of write.persist.then) {
      if (to === id) this.step(id, { kind: 'message', from: id, message });
      else this.bag.push({ from: id, to, message });
    }
  }

  deliver(letter: Letter): void {
    this.trace.push(`${letter.from} ▸ ${letter.to}: ${described(letter.message)}`);
    this.step(letter.to, { kind: 'message', from: letter.from, message: letter.message });
  }

  /** Of what was under way the first `kept` writes are on the medium, and nobody was told. */
  crash(id: ReplicaId, kept: number, loses: boolean): void {
    const node = this.node(id);
    if (node.replica === undefined) return;
    for (const write of node.writes.slice(0, kept)) this.#keep(id, write);
    node.writes = [];
    node.replica = undefined;
    node.firstSlot = node.durableFirstSlot;
    this.trace.push(`${id} crashes with ${described(node.disk)}`);
    if (loses) this.#loseVote(id, node);
  }

  /** Begins again with what the log gives back. */
  start(id: ReplicaId): void {
    const node = this.node(id);
    if (node.replica !== undefined) return;
    const restored = this.#restored(node);
    node.released = restored.decidedThrough;
    node.reads.clear();
    this.trace.push(`${id} starts, decided through ${restored.decidedThrough}`);
    const settings = settingsOf(id, this.#tuning);
    node.replica = new Replica(group(this.#voters), restored, settings, this.nowMs);
  }

  read(id: ReplicaId): void {
    const node = this.node(id);
    if (node.replica === undefined) return;
    this.#reads += 1;
    const executed = [...this.nodes.values()].map((n) => n.replica?.view.executedThrough ?? 0);
    node.reads.set(this.#reads, Math.max(...executed));
    this.step(id, { kind: 'read', read: this.#reads });
  }

  #restored(node: Node): Restored {
    const intact = node.disk.filter((record) => !node.unreadable.has(record));
    const restored = restoredFrom(intact, node.firstSlot);
    const lost = new Map<Slot, Ballot>();
    const votes = new Map(restored.votes);
    for (const record of node.disk) {
      if (record.kind !== 'vote' || record.slot <= restored.decidedThrough) continue;
      if (restored.decided.has(record.slot)) continue;
      // An older vote never stands in for one that cannot be read (S3); a newer one does.
      if (!node.unreadable.has(record)) lost.delete(record.slot);
      else lost.set(record.slot, record.vote.ballot);
    }
    for (const slot of lost.keys()) votes.delete(slot);
    return { ...restored, votes, lost };
  }

  #keep(id: ReplicaId, { persist, firstSlot }: Node['writes'][number]): void {
    const node = this.node(id);
    for (const record of persist.records) this.observer.ledger.onDurable(id, record);
    node.disk.push(...persist.records);
    node.durableFirstSlot = Math.max(node.durableFirstSlot, firstSlot);
  }

  /** The newest vote that nothing on this medium says to be decided can no longer be read. */
  #loseVote(id: ReplicaId, node: Node): void {
    const { decidedThrough, decided } = this.observer.ledger.acceptor(id);
    const vote = node.disk.findLast((r) => r.kind === 'vote' && !node.unreadable.has(r));
    if (vote?.kind !== 'vote' || vote.slot <= decidedThrough || decided.has(vote.slot)) return;
    if (node.disk.findLast((r) => r.kind === 'vote' && r.slot === vote.slot) !== vote) return;
    this.trace.push(`  ${id} cannot read its ${described(vote)}`);
    node.unreadable.add(vote);
  }

  #take(id: ReplicaId, node: Node, effect: Effect): void {
    this.trace.push(`  ${id}: ${described(effect)}`);
    this.observer.onEffect(id, effect, node.released);
    if (effect.kind === 'persist') {
      node.writes.push({ persist: effect, firstSlot: node.firstSlot });
    } else if (effect.kind === 'send') {
      this.bag.push({ from: id, to: effect.to, message: effect.message });
    } else if (effect.kind === 'execute') {
      node.released = effect.slot;
      node.texts[effect.slot - 1] = textOf(effect.value);
    } else if (effect.kind === 'truncate-log') {
      node.firstSlot = Math.max(node.firstSlot, effect.before);
    } else if (effect.kind === 'serve') {
      this.#serve(id, node, effect);
    } else if (effect.kind === 'read-ready') {
      const floor = node.reads.get(effect.read);
      const executed = node.replica?.view.executedThrough ?? 0;
      check(floor !== undefined, () => `${id} answers a read twice, or one of an earlier life`);
      check(
        executed >= (floor ?? 0),
        () => `Q1: ${id} reads at ${executed}, ${floor} was executed`,
      );
      node.reads.delete(effect.read);
    } else if (effect.kind === 'alarm') {
      throw new Error(`${id} alarms: ${effect.what}`);
    }
  }

  #serve(id: ReplicaId, node: Node, serve: Serve): void {
    const { to, fromSlot, through, bytesMax, firstSlot, decidedThrough } = serve;
    const pending = node.writes.flatMap((write) => write.persist.records);
    const intact = [...node.disk, ...pending].filter((record) => !node.unreadable.has(record));
    const log = valuesOf(intact);
    const values: Value[] = [];
    let bytes = 0;
    for (let slot = fromSlot; slot <= through; slot += 1) {
      const value = log.get(slot);
      if (value === undefined) throw new Error(`${id} serves slot ${slot}, which it does not have`);
      bytes += value.bytes.length;
      if (values.length > 0 && bytes > bytesMax) break;
      values.push(value);
    }
    const reply: Message = { kind: 'learn-reply', fromSlot, values, firstSlot, decidedThrough };
    this.observer.onEffect(id, { kind: 'send', to, message: reply }, node.released);
    this.bag.push({ from: id, to, message: reply });
  }
}

import type { Effect } from '../../src/paxos/effect.ts';
import type { Input } from '../../src/paxos/input.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Membership, ReplicaId } from '../../src/paxos/membership.ts';
import type { Message } from '../../src/paxos/messages.ts';
import type { ReplicaView, Restored } from '../../src/paxos/protocol.ts';
import { Replica } from '../../src/paxos/replica.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import type { Value } from '../../src/paxos/value.ts';
import { unreachable } from '../../src/unreachable.ts';
import { batch, settingsOf, stop, textOf, type Tuning } from './fixture.ts';
import { restoredFrom, valuesOf } from './restored.ts';

type Persist = Extract<Effect, { kind: 'persist' }>;
type Serve = Extract<Effect, { kind: 'serve' }>;

export interface BenchReplicaOptions {
  readonly id: ReplicaId;
  readonly membership: Membership;
  readonly tuning: Tuning;
  readonly renewed: boolean;
  readonly nowMs: number;
}

/** One replica, its log, and a state machine that remembers what it was given. */
export class BenchReplica {
  /** What its log has, whatever happens. */
  readonly disk: LogRecord[] = [];
  /** Given to the log, and not yet durable. */
  writes: Persist[] = [];
  /** What the state machine was given, in order, since the group began. */
  executed: string[] = [];
  /** Effects for the host: leading, recovered, following, alarm, behind, stopped, reject. */
  events: Effect[] = [];
  /** Reads that may be served from the state as it is. */
  ready: number[] = [];
  readonly outgoing: { readonly to: ReplicaId; readonly message: Message }[] = [];
  alive = true;
  /** False: the state machine takes what it is given and does not get to it. */
  executes = true;
  firstSlot: Slot = 1;
  replica: Replica;
  readonly #options: BenchReplicaOptions;

  constructor(options: BenchReplicaOptions) {
    this.#options = options;
    this.replica = this.#begin(options.nowMs);
  }

  get view(): ReplicaView {
    return this.replica.view;
  }

  proposal(text: string): Input {
    return { kind: 'propose', value: text === 'stop' ? stop : batch(text) };
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    if (!this.alive) throw new Error(`replica ${this.#options.id} is down`);
    const effects = this.replica.step(input, nowMs);
    const before = this.executed.length;
    for (const effect of effects) this.#take(effect);
    if (this.executes && this.executed.length > before) {
      const through = this.view.releasedThrough;
      return [...effects, ...this.step({ kind: 'executed', through }, nowMs)];
    }
    return effects;
  }

  /** The oldest write is in the log: what waited for it leaves, what is for itself arrives. */
  syncOne(nowMs: number): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    this.disk.push(...write.records);
    for (const { to, message } of write.then) {
      const self = this.#options.id;
      if (to === self) this.step({ kind: 'message', from: self, message }, nowMs);
      else this.outgoing.push({ to, message });
    }
  }

  crash(): void {
    this.alive = false;
    this.writes = [];
  }

  restart(nowMs: number): void {
    this.alive = true;
    this.replica = this.#begin(nowMs);
  }

  #begin(nowMs: number): Replica {
    const { id, membership, tuning, renewed } = this.#options;
    const settings = settingsOf(id, tuning);
    const store = renewed ? 'ffffffffffffffff' : settings.store;
    const restored: Restored = restoredFrom(this.disk, this.firstSlot);
    const values = valuesOf(this.disk);
    // The state machine gets again what its log proves to be decided.
    const known = Array.from({ length: restored.decidedThrough }, (_, i) => values.get(i + 1));
    this.executed = known.map((value) => (value === undefined ? '(gone)' : textOf(value)));
    return new Replica(membership, restored, { ...settings, store }, nowMs);
  }

  #take(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.writes.push(effect);
        break;
      case 'send':
        this.outgoing.push(effect);
        break;
      case 'execute':
        this.executed.push(textOf(effect.value));
        break;
      case 'read-ready':
        this.ready.push(effect.read);
        break;
      case 'serve':
        this.#serve(effect);
        break;
      case 'truncate-log':
        this.firstSlot = effect.before;
        break;
      case 'reject':
      case 'behind':
      case 'stopped':
      case 'leading':
      case 'recovered':
      case 'following':
      case 'alarm':
        this.events.push(effect);
        break;
      case 'installed':
        this.events.push(effect);
        break;
      case 'layer-send':
      case 'layer-order':
        throw new Error('there is no layer here');
      default:
        unreachable(effect);
    }
  }

  #serve({ to, fromSlot, through, bytesMax, firstSlot, decidedThrough }: Serve): void {
    const log = valuesOf([...this.disk, ...this.writes.flatMap((w) => w.records)]);
    const values: Value[] = [];
    let bytes = 0;
    for (let slot = fromSlot; slot <= through; slot += 1) {
      const value = log.get(slot);
      if (value === undefined) throw new Error(`slot ${slot} is not in the log`);
      bytes += value.bytes.length;
      if (values.length > 0 && bytes > bytesMax) break;
      values.push(value);
    }
    const message: Message = { kind: 'learn-reply', fromSlot, values, firstSlot, decidedThrough };
    this.outgoing.push({ to, message });
  }
}

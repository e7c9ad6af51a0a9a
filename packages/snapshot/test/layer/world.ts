import type { Effect, Input, Membership, ReplicaId, Slot } from '@rsl/core/protocol';
import { FrameWriter, readFrame, SeededRandom } from '@rsl/core/testing';
import { completeLayerOptions, type LayerOptions } from '../../src/layer/layer-options.ts';
import { snapshotCodec } from '../../src/layer/snapshot-codec.ts';
import { SnapshotLayer } from '../../src/layer/snapshot-layer.ts';
import { type Answer, type Order, snapshotChannel, type Word } from '../../src/words.ts';
import { FakeInner, type Logs } from './fake-inner.ts';
import { FakeKeeper, Shelf } from './fake-keeper.ts';

const tickMs = 10;
const envelope = { group: '0123456789abcdef', configuration: 1, fingerprint: 7 };

export const membershipOf = (ids: readonly ReplicaId[]): Membership => ({
  group: envelope.group,
  number: 1,
  firstSlot: 1,
  members: ids.map((id) => ({ id, store: `store${id}`, role: 'voter', addresses: { m: `${id}` } })),
  previous: [],
});

/** As it comes out of the codec: every word that is said in a test is a frame on its way. */
export function overTheWire(word: Word): Word {
  const out = new FrameWriter();
  out.begin(snapshotChannel, snapshotCodec.kindOf(word), envelope);
  snapshotCodec.write(word, out);
  const frame = readFrame(new Uint8Array(Buffer.concat(out.end())));
  return snapshotCodec.read(frame) as Word;
}

interface Due<T> {
  readonly atMs: number;
  readonly what: T;
}

interface Sent {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly word: Word;
}

/** One replica: a protocol, the layer around it, and the half beside the state machine. */
export class Node {
  readonly id: ReplicaId;
  readonly shelf = new Shelf();
  isUp = true;
  inner!: FakeInner;
  layer!: SnapshotLayer;
  keeper!: FakeKeeper;
  /** How long an order may take to be heard, because the state machine is busy. */
  orderMsMax = 3;
  /** On their way to the keeper, in order. */
  orders: Due<Order>[] = [];
  /** What it did, but for what layers say. */
  effects: Effect[] = [];
  /** Whatever it asked others for. */
  gets: (Word & { kind: 'get' })[] = [];

  constructor(id: ReplicaId) {
    this.id = id;
  }
}

export interface WorldOptions {
  readonly replicas: number;
  readonly seed?: number;
  readonly options?: Partial<LayerOptions>;
}

/** A few replicas, their clocks and what is between them. */
export class World {
  readonly nodes: readonly Node[];
  readonly membership: Membership;
  readonly options: LayerOptions;
  nowMs = 1_000;
  /** Of 100 words, so many are lost, come twice. */
  lost = 0;
  doubled = 0;
  delayMsMax = 5;
  readonly #random: SeededRandom;
  #wire: Due<Sent>[] = [];
  readonly #cut = new Set<string>();

  constructor({ options, replicas, seed = 1 }: WorldOptions) {
    this.#random = new SeededRandom(seed);
    this.options = completeLayerOptions({ chunkBytes: 512, windowChunks: 4, ...options });
    const ids = Array.from({ length: replicas }, (_, i) => i + 1);
    this.membership = membershipOf(ids);
    this.nodes = ids.map((id) => new Node(id));
    for (const node of this.nodes) this.#start(node, 0);
    for (const a of this.nodes) for (const b of this.nodes) if (a !== b) this.#connect(a, b, true);
  }

  node(id: ReplicaId): Node {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new RangeError(`no replica ${id}`);
    return node;
  }

  // ---- what happens to a replica

  kill(id: ReplicaId): void {
    const node = this.node(id);
    if (!node.isUp) return;
    for (const other of this.nodes) if (other !== node) this.#connect(other, node, false);
    node.isUp = false;
    node.orders = [];
    this.#wire = this.#wire.filter(({ what }) => what.to !== id && what.from !== id);
  }

  /** It goes on from what it had executed, as from its log. */
  restart(id: ReplicaId): void {
    const node = this.node(id);
    if (node.isUp) this.kill(id);
    const { firstSlot, released } = node.inner;
    this.#start(node, released);
    node.inner.firstSlot = firstSlot;
    for (const other of this.nodes) {
      if (other === node || this.#isCut(id, other.id)) continue;
      this.#connect(other, node, true);
      this.#connect(node, other, true);
    }
  }

  cut(a: ReplicaId, b: ReplicaId): void {
    if (this.#isCut(a, b)) return;
    this.#cut.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
    const isBetween = ({ from, to }: Sent) => (from === a && to === b) || (from === b && to === a);
    this.#wire = this.#wire.filter(({ what }) => !isBetween(what));
    this.#connect(this.node(a), this.node(b), false);
    this.#connect(this.node(b), this.node(a), false);
  }

  heal(a: ReplicaId, b: ReplicaId): void {
    if (!this.#cut.delete(`${Math.min(a, b)} ${Math.max(a, b)}`)) return;
    this.#connect(this.node(a), this.node(b), true);
    this.#connect(this.node(b), this.node(a), true);
  }

  #isCut(a: ReplicaId, b: ReplicaId): boolean {
    return this.#cut.has(`${Math.min(a, b)} ${Math.max(a, b)}`);
  }

  canReach(a: ReplicaId, b: ReplicaId): boolean {
    return !this.#isCut(a, b) && this.node(a).isUp && this.node(b).isUp;
  }

  /** The slots up to here are decided, and executed there. */
  decide(ids: readonly ReplicaId[], through: Slot): void {
    for (const id of ids) {
      const { inner } = this.node(id);
      if (inner.released < through) inner.decide(through - inner.released);
    }
  }

  input(node: Node, input: Input): void {
    if (!node.isUp) return;
    for (const effect of node.layer.step(input, this.nowMs)) this.#perform(node, effect);
    this.afterStep?.(node);
  }

  /** A test looks at every state. */
  afterStep: ((node: Node) => void) | undefined;
  /** And at every word before it leaves. */
  beforeSend: ((node: Node, to: ReplicaId, word: Word) => void) | undefined;

  // ---- time

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) this.turn();
  }

  /** True if it came true in time. */
  runUntil(holds: () => boolean, msMax: number): boolean {
    for (const end = this.nowMs + msMax; this.nowMs < end; this.turn()) if (holds()) return true;
    return holds();
  }

  turn(): void {
    this.nowMs += tickMs;
    const due = this.#wire.filter(({ atMs }) => atMs <= this.nowMs);
    this.#wire = this.#wire.filter(({ atMs }) => atMs > this.nowMs);
    for (const { what } of due.sort((a, b) => a.atMs - b.atMs)) {
      const { from, to, word } = what;
      const message = overTheWire(word);
      this.input(this.node(to), { kind: 'layer-message', channel: snapshotChannel, from, message });
    }
    for (const node of this.nodes) {
      while ((node.orders[0]?.atMs ?? Infinity) <= this.nowMs) {
        const order = node.orders.shift();
        if (order !== undefined) node.keeper.perform(order.what);
      }
      this.input(node, { kind: 'tick' });
    }
  }

  // ---- inside

  #start(node: Node, released: Slot): void {
    node.isUp = true;
    node.orders = [];
    node.inner = new FakeInner(this.membership, released, () => this.#logsOf(node));
    const about = { self: node.id, below: (limit: number) => this.#random.below(limit) };
    node.layer = new SnapshotLayer(node.inner, about, this.options);
    const { layer } = node;
    const answer = (one: Answer): void => {
      if (node.layer !== layer) return;
      this.input(node, { kind: 'layer-answer', channel: snapshotChannel, answer: one });
    };
    node.keeper = new FakeKeeper(node.shelf, answer);
    node.keeper.begin();
  }

  #connect(node: Node, other: Node, up: boolean): void {
    if (other.isUp || !up) this.input(node, { kind: 'connection', with: other.id, up });
  }

  #perform(node: Node, effect: Effect): void {
    if (effect.kind === 'layer-order') {
      const last = node.orders.at(-1)?.atMs ?? 0;
      const atMs = Math.max(last, this.nowMs + this.#random.below(node.orderMsMax + 1));
      node.orders.push({ atMs, what: effect.order as Order });
    } else if (effect.kind === 'layer-send') this.#send(node, effect.to, effect.message as Word);
    else node.effects.push(effect);
  }

  #send(node: Node, to: ReplicaId, word: Word): void {
    this.beforeSend?.(node, to, word);
    if (word.kind === 'get') node.gets.push(word);
    if (!this.canReach(node.id, to)) return;
    for (let copies = this.#random.below(100) < this.doubled ? 2 : 1; copies > 0; copies -= 1) {
      if (this.#random.below(100) < this.lost) continue;
      const atMs = this.nowMs + this.#random.below(this.delayMsMax + 1);
      this.#wire.push({ atMs, what: { from: node.id, to, word } });
    }
  }

  #logsOf(node: Node): Logs {
    const others = this.nodes.filter((n) => n !== node && this.canReach(node.id, n.id));
    return {
      decidedThrough: Math.max(0, ...others.map(({ inner }) => inner.released)),
      through: (need) => {
        const having = others.filter(
          ({ inner }) => inner.firstSlot <= need && inner.released >= need,
        );
        if (having.length === 0) return undefined;
        return Math.max(...having.map(({ inner }) => inner.released));
      },
    };
  }
}

import { ensures, requires } from '@rsl/contracts';
import type { ReplicaId, Slot, SnapshotMeta } from '@rsl/core/protocol';
import type { Answer, Word } from '../words.ts';
import { Allowance } from './allowance.ts';
import { chunkBytesMax, type LayerOptions } from './layer-options.ts';
import type { LayerOutbox } from './layer-outbox.ts';
import { Pins } from './pins.ts';
import { listedMax } from './snapshot-codec.ts';

type Options = Pick<
  LayerOptions,
  'asksPerPeerMax' | 'bytesPerSecondMax' | 'giveUpMs' | 'pinMs' | 'pinsMax' | 'readsMax'
>;

type Asking = Extract<Word, { readonly kind: 'ask' }>;

/** A piece that a peer waits for. */
interface Ask {
  readonly peer: ReplicaId;
  readonly digest: string;
  readonly offset: number;
  readonly bytesMax: number;
}

/** How things stand with this replica. */
export interface Here {
  readonly leads: boolean;
  readonly executedThrough: Slot;
}

/**
 * Gives peers the snapshots that are here: so many reads at a time, so many bytes per second. What
 * is asked for beyond is dropped; whoever asked asks again.
 */
export class Server {
  readonly #options: Options;
  readonly #allowance: Allowance;
  readonly #pins: Pins;
  /** The durable ones, the newest first. */
  #listed: readonly SnapshotMeta[] = [];
  /** In the order in which they came. */
  #waiting: Ask[] = [];
  readonly #reading = new Map<number, Ask>();
  /** Their peer is not reached any more: the answers are nobody's. */
  readonly #orphans = new Set<number>();
  #ticket = 0;
  /** When one was ordered that nobody has. */
  #wantedMs = -Infinity;

  constructor(options: Options) {
    this.#options = options;
    this.#allowance = new Allowance(options.bytesPerSecondMax);
    this.#pins = new Pins(options);
  }

  get listed(): readonly SnapshotMeta[] {
    return this.#listed;
  }

  /** Slots of the snapshots behind which the log stays. */
  get pinned(): readonly Slot[] {
    return this.#pins.slots;
  }

  /** Nobody waits for anything. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#reading.size === 0;
  }

  // ---- peers

  onWord(from: ReplicaId, word: Word, here: Here, nowMs: number, out: LayerOutbox): void {
    if (word.kind === 'ask') this.#onAsk(from, word, here, nowMs, out);
    else if (word.kind === 'get') this.#onGet({ ...word, peer: from }, nowMs, out);
    else if (word.kind === 'done') this.#onDone(from, word.digest, nowMs, out);
  }

  /** Whoever cuts its log has what it cut: one that is missing was lost, there or here (S6). */
  #onAsk(from: ReplicaId, ask: Asking, here: Here, nowMs: number, out: LayerOutbox): void {
    const { need } = ask;
    const { executedThrough, leads } = here;
    out.say(from, { kind: 'have', snapshots: this.#offered, leads });
    if (ask.for === 'store' || executedThrough < need) return;
    if (this.#offered.some(({ slot }) => slot >= need)) return;
    if (nowMs - this.#wantedMs < this.#options.giveUpMs) return;
    this.#wantedMs = nowMs;
    out.order({ kind: 'wanted', need });
  }

  onConnection(peer: ReplicaId, up: boolean, nowMs: number, out: LayerOutbox): void {
    if (!up) this.#forget((ask) => ask.peer === peer);
    this.#pump(nowMs, out);
  }

  onTick(nowMs: number, out: LayerOutbox): void {
    this.#sweep(nowMs, out);
    this.#pump(nowMs, out);
  }

  /** Also those that are not listed any more and that somebody reads: it must not start over. */
  get #offered(): readonly SnapshotMeta[] {
    const digests = new Set(this.#listed.map(({ digest }) => digest));
    const others = this.#pins.metas.filter(({ digest }) => !digests.has(digest));
    return [...others, ...this.#listed].slice(0, listedMax).sort((a, b) => b.slot - a.slot);
  }

  #metaOf(digest: string): SnapshotMeta | undefined {
    return this.#listed.find((meta) => meta.digest === digest) ?? this.#pins.metaOf(digest);
  }

  #onGet(ask: Ask, nowMs: number, out: LayerOutbox): void {
    const { bytesMax, digest, offset, peer } = ask;
    const meta = this.#metaOf(digest);
    if (meta === undefined) return out.say(peer, { kind: 'gone', digest });
    if (offset >= meta.bytes || bytesMax === 0) return;
    const bytes = Math.min(bytesMax, chunkBytesMax, meta.bytes - offset);
    const open = [...this.#waiting, ...this.#reading.values()].filter((a) => a.peer === peer);
    const isKnown = open.some((a) => a.offset === offset && a.digest === digest);
    if (isKnown || open.length >= this.#options.asksPerPeerMax) return;
    if (!this.#pins.read(peer, meta, offset + bytes, nowMs)) {
      return out.say(peer, { kind: 'gone', digest });
    }
    this.#waiting.push({ peer, digest, offset, bytesMax: bytes });
    this.#sweep(nowMs, out);
    this.#pump(nowMs, out);
  }

  #onDone(from: ReplicaId, digest: string, nowMs: number, out: LayerOutbox): void {
    this.#forget((ask) => ask.peer === from && ask.digest === digest);
    this.#pins.done(from, digest, nowMs);
    this.#sweep(nowMs, out);
    this.#pump(nowMs, out);
  }

  // ---- the half beside the state machine

  onAnswer(answer: Answer, nowMs: number, out: LayerOutbox): void {
    if (answer.kind === 'snapshots') this.#listed = answer.snapshots;
    if (answer.kind !== 'read' && answer.kind !== 'unreadable') return;
    const ask = this.#reading.get(answer.ticket);
    requires(() => ask !== undefined, 'serve-2 a read is answered once');
    if (ask === undefined) return;
    this.#reading.delete(answer.ticket);
    const isOrphan = this.#orphans.delete(answer.ticket);
    const { digest, offset, peer } = ask;
    if (answer.kind === 'unreadable') this.#onUnreadable(ask, isOrphan, out);
    else if (!isOrphan) out.say(peer, { kind: 'chunk', digest, offset, bytes: answer.bytes });
    this.#pump(nowMs, out);
  }

  /** Whoever waits for it is told at once: it may get it elsewhere. */
  #onUnreadable({ digest, peer }: Ask, isOrphan: boolean, out: LayerOutbox): void {
    const peers = new Set(isOrphan ? [] : [peer]);
    for (const ask of this.#waiting) if (ask.digest === digest) peers.add(ask.peer);
    for (const [ticket, ask] of this.#reading) {
      if (ask.digest === digest && !this.#orphans.has(ticket)) peers.add(ask.peer);
    }
    for (const each of peers) out.say(each, { kind: 'gone', digest });
    this.#forget((ask) => ask.digest === digest);
    if (this.#pins.drop(digest)) out.order({ kind: 'release', digest });
  }

  // ---- what waits

  #pump(nowMs: number, out: LayerOutbox): void {
    while (this.#reading.size < this.#options.readsMax) {
      const [ask] = this.#waiting;
      if (ask === undefined || !this.#allowance.take(ask.bytesMax, nowMs)) break;
      this.#waiting.shift();
      this.#ticket += 1;
      this.#reading.set(this.#ticket, ask);
      const { bytesMax, digest, offset } = ask;
      out.order({ kind: 'read', digest, offset, bytesMax, ticket: this.#ticket });
    }
    ensures(
      () => this.#reading.size <= this.#options.readsMax,
      'serve-3 a bounded number of chunks is read at a time',
    );
  }

  #forget(isGone: (ask: Ask) => boolean): void {
    this.#waiting = this.#waiting.filter((ask) => !isGone(ask));
    for (const [ticket, ask] of this.#reading) if (isGone(ask)) this.#orphans.add(ticket);
  }

  #sweep(nowMs: number, out: LayerOutbox): void {
    for (const digest of this.#pins.sweep(nowMs)) {
      this.#forget((ask) => ask.digest === digest);
      out.order({ kind: 'release', digest });
    }
  }
}

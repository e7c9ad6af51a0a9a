import { ensures, invariant, old } from '@rsl/contracts';
import type {
  Effect,
  Input,
  LayerAbout,
  Protocol,
  ReplicaId,
  ReplicaView,
  Slot,
} from '@rsl/core/protocol';
import { Telling } from '../telling.ts';
import { type Answer, snapshotChannel, type Word } from '../words.ts';
import { Comparing } from './comparing.ts';
import { Fetcher } from './fetcher.ts';
import { KeptInputs } from './kept-inputs.ts';
import type { LayerOptions } from './layer-options.ts';
import { LayerOutbox } from './layer-outbox.ts';
import { LogBytes } from './log-bytes.ts';
import { Server } from './server.ts';
import { cutBefore } from './truncation.ts';

type Installed = Extract<Answer, { readonly kind: 'installed' }>;

/** How often it looks whether the log can be cut, unless something has changed. */
const lookMs = 1_000;

/**
 * Around a protocol that knows slots and no bytes: fetches a snapshot when the protocol is behind
 * what anybody keeps, gives its own to others, and says when the log can be cut. All else passes
 * through, but while a snapshot takes the place of the state: that is one turn for the protocol,
 * however long it takes (R8).
 */
export class SnapshotLayer implements Protocol {
  readonly #inner: Protocol;
  readonly #about: LayerAbout;
  readonly #options: LayerOptions;
  readonly #fetcher: Fetcher;
  readonly #server: Server;
  readonly #comparing: Comparing;
  readonly #kept: KeptInputs;
  readonly #bytes = new LogBytes();
  readonly #connected = new Set<ReplicaId>();
  readonly #telling = new Telling();
  readonly #out = new LayerOutbox();
  #lookedMs = -Infinity;

  constructor(inner: Protocol, about: LayerAbout, options: LayerOptions) {
    this.#inner = inner;
    this.#about = about;
    this.#options = options;
    this.#server = new Server(options);
    this.#comparing = new Comparing({
      self: about.self,
      peers: () => this.#peers(),
      membership: () => this.#inner.view.membership,
    });
    this.#kept = new KeptInputs(options.keptInputsMax);
    this.#fetcher = new Fetcher({
      options,
      below: about.below,
      peers: () => this.#peers(),
      releasedThrough: () => this.#inner.view.releasedThrough,
      own: () => this.#server.listed,
    });
  }

  get view(): ReplicaView {
    const { view } = this.#inner;
    return this.#fetcher.isInstalling ? { ...view, room: 0 } : view;
  }

  get isIdle(): boolean {
    return this.#inner.isIdle && this.#fetcher.isIdle && this.#server.isIdle;
  }

  /** What it is doing, for whoever watches. */
  get fetching(): Fetcher['state'] {
    return this.#fetcher.state;
  }

  /** Bytes of a snapshot that are asked for or here, and not yet written. */
  get openBytes(): number {
    return this.#fetcher.openBytes;
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    const wasInstalling = old(() => this.#fetcher.isInstalling);
    const released = old(() => this.#inner.view.releasedThrough);
    this.#route(input, nowMs);
    ensures(
      () => this.#inner.view.releasedThrough === released,
      'snap-4 while a snapshot takes the place of the state the protocol stands still (R8)',
      () => wasInstalling && this.#fetcher.isInstalling && input.kind !== 'layer-answer',
    );
    invariant(
      () => this.#fetcher.isInstalling || this.#kept.size === 0,
      'snap-5 nothing is kept from the protocol but while a snapshot is installed',
    );
    return this.#out.take();
  }

  #route(input: Input, nowMs: number): void {
    switch (input.kind) {
      case 'tick':
        return this.#onTick(nowMs);
      case 'connection':
        return this.#onConnection(input, nowMs);
      case 'layer-message':
        if (input.channel !== snapshotChannel) return this.#give(input, nowMs);
        return this.#onWord(input.from, input.message as Word, nowMs);
      case 'layer-answer':
        if (input.channel !== snapshotChannel) return this.#give(input, nowMs);
        return this.#onAnswer(input.answer as Answer, nowMs);
      default:
        return this.#give(input, nowMs);
    }
  }

  // ---- the protocol

  /** Now, or once the snapshot is in place. */
  #give(input: Input, nowMs: number): void {
    if (!this.#fetcher.isInstalling) return this.#pass(input, nowMs);
    switch (input.kind) {
      case 'message':
      case 'layer-message':
      case 'tick':
        // Messages may be lost, and the next tick comes soon.
        return;
      case 'propose': {
        const leader = this.#inner.view.leader?.id;
        return this.#out.add({ kind: 'reject', value: input.value, leader });
      }
      default:
        return this.#kept.add(input);
    }
  }

  #pass(input: Input, nowMs: number): void {
    const effects = this.#inner.step(input, nowMs);
    if (effects.length === 0) return;
    let need: Slot | undefined;
    let told = 0;
    for (const [at, effect] of effects.entries()) {
      if (effect.kind === 'execute') this.#bytes.add(effect.slot, effect.value.bytes.length);
      else if (effect.kind === 'behind') need = effect.need;
      const order = this.#telling.before(effect);
      if (order === undefined) continue;
      this.#hand(effects.slice(told, at));
      this.#out.order(order);
      told = at;
    }
    this.#hand(told === 0 ? effects : effects.slice(told));
    if (need !== undefined) this.#fetcher.onBehind(need, nowMs, this.#out);
  }

  /** What is behind is fetched here, and told nobody. */
  #hand(effects: readonly Effect[]): void {
    const isBehind = effects.some(({ kind }) => kind === 'behind');
    this.#out.hand(isBehind ? effects.filter(({ kind }) => kind !== 'behind') : effects);
  }

  #onTick(nowMs: number): void {
    this.#give({ kind: 'tick' }, nowMs);
    this.#server.onTick(nowMs, this.#out);
    this.#fetcher.onTick(nowMs, this.#out);
    if (nowMs - this.#lookedMs >= lookMs) this.#look(nowMs);
  }

  #onConnection(input: Input & { kind: 'connection' }, nowMs: number): void {
    if (input.up) this.#connected.add(input.with);
    else this.#connected.delete(input.with);
    this.#server.onConnection(input.with, input.up, nowMs, this.#out);
    this.#fetcher.onConnection(input.with, input.up, nowMs, this.#out);
    if (input.up) this.#comparing.onConnected(input.with, this.#out);
    this.#give(input, nowMs);
  }

  // ---- its own kind, and its other half

  #onWord(from: ReplicaId, word: Word, nowMs: number): void {
    if (from === this.#about.self) return;
    if (word.kind === 'digest') return this.#comparing.onPeer(from, word, this.#out);
    const { executedThrough, role } = this.#inner.view;
    const here = { executedThrough, leads: role === 'phase2' };
    this.#server.onWord(from, word, here, nowMs, this.#out);
    this.#fetcher.onWord(from, this.#ofThisGroup(word), nowMs, this.#out);
  }

  /** Whoever has snapshots of another group has been given a wrong directory. */
  #ofThisGroup(word: Word): Word {
    if (word.kind !== 'have') return word;
    const { group } = this.#inner.view.membership;
    const snapshots = word.snapshots.filter(({ membership }) => membership.group === group);
    return { ...word, snapshots };
  }

  #onAnswer(answer: Answer, nowMs: number): void {
    if (answer.kind === 'installed') return this.#onInstalled(answer, nowMs);
    if (answer.kind === 'common') return this.#onCommon(answer);
    if (answer.kind === 'replayed') return this.#onReplayed(answer);
    const wasInstalling = this.#fetcher.isInstalling;
    this.#server.onAnswer(answer, nowMs, this.#out);
    this.#fetcher.onAnswer(answer, nowMs, this.#out);
    if (answer.kind === 'snapshots') {
      this.#fetcher.onLeft(answer.left);
      this.#look(nowMs);
    }
    if (wasInstalling && !this.#fetcher.isInstalling) this.#giveKept(nowMs);
  }

  #onCommon({ digest, layout, slot }: Extract<Answer, { readonly kind: 'common' }>): void {
    this.#comparing.onOwn({ slot, layout, digest }, this.#out);
  }

  /** Said before anything else is executed; from another thread it may come too late to count. */
  #onReplayed({ bytes, slot }: Extract<Answer, { readonly kind: 'replayed' }>): void {
    if (slot > this.#bytes.lastSlot) this.#bytes.add(slot, bytes);
  }

  /** The only thing between the order and what was kept meanwhile. */
  #onInstalled({ membership, slot }: Installed, nowMs: number): void {
    if (!this.#fetcher.onInstalled(slot)) return;
    this.#bytes.forget(slot + 1);
    this.#pass({ kind: 'snapshot-installed', slot, membership }, nowMs);
    ensures(
      () => this.#inner.view.releasedThrough >= slot,
      'snap-6 the protocol goes on behind what was installed (R8)',
    );
    this.#giveKept(nowMs);
    this.#look(nowMs);
  }

  #giveKept(nowMs: number): void {
    for (const input of this.#kept.take()) this.#give(input, nowMs);
  }

  // ---- policy

  /** Cuts what can go of the log; has a leader that does not save copy one. */
  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    if (this.#fetcher.isInstalling) return;
    const { executedThrough, firstSlot } = this.#inner.view;
    const snapshots = this.#server.listed.map(({ slot }) => slot);
    const { pinned } = this.#server;
    const kept = { snapshots, pinned, executedThrough, bytes: this.#bytes };
    const before = cutBefore(kept, this.#options);
    if (before > firstSlot) {
      this.#bytes.forget(before);
      this.#pass({ kind: 'truncate', before }, nowMs);
    }
    this.#copyIfOld(snapshots[0] ?? 0, nowMs);
  }

  #copyIfOld(newest: Slot, nowMs: number): void {
    const { copyAfterBytes, copyAfterSlots } = this.#options;
    const { executedThrough: through, role } = this.#inner.view;
    const bySlots = copyAfterSlots > 0 ? through - copyAfterSlots + 1 : 0;
    const byBytes = copyAfterBytes > 0 ? this.#bytes.firstWithin(copyAfterBytes, through) : 0;
    const need = Math.max(bySlots, byBytes);
    const isOld = newest < need && role === 'phase2';
    this.#fetcher.keepNewest(isOld ? need : undefined, nowMs, this.#out);
  }

  #peers(): Set<ReplicaId> {
    const { members, previous } = this.#inner.view.membership;
    const peers = new Set(this.#connected);
    for (const { id } of [...members, ...previous]) peers.add(id);
    peers.delete(this.#about.self);
    return peers;
  }
}

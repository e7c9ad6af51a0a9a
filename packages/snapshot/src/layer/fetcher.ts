import { ensures, requires } from '@rsl/contracts';
import type { ReplicaId, Slot, SnapshotMeta, SnapshotName } from '@rsl/core/protocol';
import type { Answer, Word } from '../words.ts';
import { Copy } from './copy.ts';
import type { LayerOptions } from './layer-options.ts';
import type { LayerOutbox } from './layer-outbox.ts';
import { Sources } from './sources.ts';
import { type Goal, Wish } from './wish.ts';

export interface FetcherParts {
  readonly options: LayerOptions;
  readonly below: (limit: number) => number;
  /** Everybody that may have something. */
  readonly peers: () => Iterable<ReplicaId>;
  /** Handed to the state machine: what a snapshot has to go beyond. */
  readonly releasedThrough: () => Slot;
  /** The durable ones here, the newest first. */
  readonly own: () => readonly SnapshotMeta[];
}

type State =
  | { readonly kind: 'idle' }
  /** `chooseMs`: then one of those that have answered is chosen, or the first that does. */
  | { readonly kind: 'asking'; readonly chooseMs: number }
  | { readonly kind: 'copying'; readonly copy: Copy }
  /** The order is out: the protocol stands still until it is answered (R8). */
  | { readonly kind: 'installing'; readonly meta: SnapshotMeta };

/**
 * Gets this replica a snapshot that it needs.
 *
 *   idle ── behind ─▶ asking ── source chosen ─▶ copying ── committed ─▶ installing ─▶ idle
 *                       ▲                          │                         │
 *                       └── failed, given up ──────┴── unreadable ───────────┘
 *
 * It keeps to one digest for as long as anybody gives it: to begin with another one means to throw
 * away what is there. Whatever fails is tried again, later each time, up to `giveUpMs`.
 */
export class Fetcher {
  readonly #parts: FetcherParts;
  readonly #options: LayerOptions;
  readonly #sources: Sources;
  readonly #wish: Wish;
  #state: State = { kind: 'idle' };
  /** Could not be installed: not tried again unless copied again. */
  #refused: string | undefined;
  #giver: readonly ReplicaId[] = [];
  #failures = 0;
  #ticket = 0;
  #askedMs = -Infinity;
  /** Since when nobody has given what is needed, or since when it was said that nobody has. */
  #unservedMs = Infinity;
  /** When anybody said last what it has. */
  #heardMs = -Infinity;

  constructor(parts: FetcherParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#sources = new Sources(parts.below);
    const { giveUpMs } = parts.options;
    this.#wish = new Wish({ giveUpMs, releasedThrough: parts.releasedThrough });
  }

  get state(): State['kind'] {
    return this.#state.kind;
  }

  /** Without time nothing is lost: it waits for nothing, or for what others may have some day. */
  get isIdle(): boolean {
    return this.state === 'idle' || (this.state === 'asking' && this.#wish.goal?.for === 'store');
  }

  get isInstalling(): boolean {
    return this.#state.kind === 'installing';
  }

  /** Bytes that are asked for or here, and not yet written. */
  get openBytes(): number {
    return this.#state.kind === 'copying' ? this.#state.copy.openBytes : 0;
  }

  // ---- what is wanted

  /** Nobody keeps slot `need` any more. */
  onBehind(need: Slot, nowMs: number, out: LayerOutbox): void {
    if (this.isInstalling || need <= this.#parts.releasedThrough()) return;
    this.#want({ need, for: 'state' }, nowMs, out);
  }

  /** Slot `need` is to be covered by a snapshot here; nothing is installed. Undefined: no more. */
  keepNewest(need: Slot | undefined, nowMs: number, out: LayerOutbox): void {
    if (need !== undefined) {
      if (this.#state.kind === 'idle') this.#want({ need, for: 'store' }, nowMs, out);
    } else if (this.#wish.goal?.for === 'store') this.#leave(nowMs, out);
  }

  /** Nobody wants it any more. What is there stays, and is gone on with when it is wanted again. */
  #leave(nowMs: number, out: LayerOutbox): void {
    if (this.#state.kind === 'copying') this.#leaveCopy(this.#state.copy, nowMs, out);
    this.#rest();
  }

  #leaveCopy({ asked, meta }: Copy, nowMs: number, out: LayerOutbox): void {
    out.order({ kind: 'leave' });
    this.#wish.begun(meta, nowMs);
    if (this.#wish.goal?.for === 'store' || meta.slot > this.#parts.releasedThrough()) return;
    // It will never be of use.
    this.#wish.forget();
    for (const peer of asked) out.say(peer, { kind: 'done', digest: meta.digest });
  }

  #want(goal: Goal, nowMs: number, out: LayerOutbox): void {
    this.#wish.goal = goal;
    const state = this.#state;
    if (state.kind === 'copying' && !this.#wish.serves(state.copy.meta)) {
      this.#leaveCopy(state.copy, nowMs, out);
      this.#ask(0, nowMs, out);
    }
    if (state.kind !== 'idle') return;
    this.#sources.reset();
    const own = this.#parts.own()[0];
    const isHere = own !== undefined && own.slot >= goal.need && own.digest !== this.#refused;
    if (goal.for === 'state' && isHere) return this.#install(own, out);
    this.#wish.renew();
    this.#unservedMs = nowMs;
    this.#ask(0, nowMs, out);
  }

  // ---- asking

  #ask(waitMs: number, nowMs: number, out: LayerOutbox): void {
    const chooseMs = nowMs + Math.max(waitMs, this.#options.gatherMs);
    this.#state = { kind: 'asking', chooseMs };
    this.#askEverybody(nowMs, out);
  }

  #askEverybody(nowMs: number, out: LayerOutbox): void {
    this.#askedMs = nowMs;
    for (const peer of this.#parts.peers()) this.#askOne(peer, out);
  }

  #askOne(peer: ReplicaId, out: LayerOutbox): void {
    if (this.#wish.goal !== undefined) out.say(peer, { kind: 'ask', ...this.#wish.goal });
  }

  #chooseIfDue(nowMs: number, out: LayerOutbox): void {
    if (this.#state.kind !== 'asking' || nowMs < this.#state.chooseMs) return;
    const offer = this.#wish.choose(this.#sources, nowMs);
    if (offer !== undefined) this.#begin(offer.meta, nowMs, out);
  }

  #begin(meta: SnapshotMeta, nowMs: number, out: LayerOutbox): void {
    this.#ticket += 1;
    const order = { kind: 'copy', meta, ticket: this.#ticket } as const;
    this.#state = { kind: 'copying', copy: new Copy(order, this.#sources, this.#options, nowMs) };
    this.#wish.begun(meta, nowMs);
    out.order(order);
  }

  // ---- time

  onTick(nowMs: number, out: LayerOutbox): void {
    const state = this.#state;
    if (state.kind === 'idle' || state.kind === 'installing') return;
    if (this.#wish.isOver) return this.#leave(nowMs, out);
    if (nowMs - this.#askedMs >= this.#options.askMs) this.#askEverybody(nowMs, out);
    this.#complain(nowMs, out);
    if (state.kind === 'asking') return this.#chooseIfDue(nowMs, out);
    if (this.#giveUp(state.copy, nowMs, out)) return;
    state.copy.onTick(nowMs, out);
  }

  /** It goes on asking for ever; whoever runs the group hears of it. */
  #complain(nowMs: number, out: LayerOutbox): void {
    const { goal } = this.#wish;
    if (this.#state.kind === 'copying' && !this.#state.copy.isForsaken(0, nowMs)) {
      this.#unservedMs = nowMs;
    }
    if (goal?.for !== 'state' || nowMs - this.#unservedMs < this.#options.giveUpMs) return;
    this.#unservedMs = nowMs;
    out.order({ kind: 'unserved', need: goal.need });
  }

  /**
   * Nobody gives this one any more, and somebody has another. What is here is not thrown away soon;
   * but where snapshots come and go fast, one may be gone before any of it was asked for.
   */
  #giveUp(copy: Copy, nowMs: number, out: LayerOutbox): boolean {
    const forMs = copy.isEmpty ? 0 : this.#options.giveUpMs;
    if (!copy.isForsaken(forMs, nowMs)) return false;
    const { digest } = copy.meta;
    const other = this.#sources.best((meta) => meta.digest !== digest && this.#wish.serves(meta));
    if (other === undefined) return false;
    out.order({ kind: 'leave' });
    for (const peer of copy.asked) out.say(peer, { kind: 'done', digest });
    this.#begin(other.meta, nowMs, out);
    return true;
  }

  // ---- peers

  onWord(from: ReplicaId, word: Word, nowMs: number, out: LayerOutbox): void {
    const state = this.#state;
    if (state.kind === 'idle' || state.kind === 'installing') return;
    if (word.kind === 'have') {
      this.#onHeard(nowMs);
      this.#sources.onHave(from, word.snapshots, word.leads);
      if (state.kind === 'asking') this.#chooseIfDue(nowMs, out);
      else state.copy.onTick(nowMs, out);
    }
    if (state.kind !== 'copying') return;
    if (word.kind !== 'chunk' && word.kind !== 'gone') return;
    if (word.digest !== state.copy.meta.digest) return;
    if (word.kind === 'chunk') {
      return state.copy.onChunk(from, word.offset, word.bytes, nowMs, out);
    }
    this.#sources.gone(from, word.digest);
    state.copy.onLost(from, nowMs, out);
  }

  /** Whoever heard from nobody cannot know that nobody has it: its time begins anew. */
  #onHeard(nowMs: number): void {
    const { askMs, stallMs } = this.#options;
    const wasAlone = nowMs - this.#heardMs >= askMs + stallMs;
    this.#heardMs = nowMs;
    if (!wasAlone) return;
    this.#wish.renew();
    if (this.#state.kind === 'copying') this.#state.copy.renew(nowMs);
  }

  onConnection(peer: ReplicaId, up: boolean, nowMs: number, out: LayerOutbox): void {
    if (!up) this.#sources.forget(peer);
    if (this.#state.kind === 'idle' || this.#state.kind === 'installing') return;
    if (up) return this.#askOne(peer, out);
    if (this.#state.kind === 'copying') this.#state.copy.onLost(peer, nowMs, out);
  }

  // ---- the half beside the state machine

  /** What a copy has left behind before the start. */
  onLeft(name: SnapshotName | undefined): void {
    if (name !== undefined && this.#state.kind !== 'copying') this.#wish.found(name);
  }

  onAnswer(answer: Answer, nowMs: number, out: LayerOutbox): void {
    const state = this.#state;
    if (state.kind === 'installing' && answer.kind === 'install-failed') {
      return this.#onInstallFailed(state.meta, nowMs, out);
    }
    // What comes for a copy that was left is of no interest: it rests, or is listed.
    if (state.kind !== 'copying' || !('ticket' in answer)) return;
    if (answer.kind === 'read' || answer.kind === 'unreadable') return;
    if (answer.ticket !== state.copy.ticket) return;
    switch (answer.kind) {
      case 'copying':
        return state.copy.onCopying(answer.bytes, nowMs, out);
      case 'written':
        return state.copy.onWritten(answer.bytes, nowMs, out);
      case 'copied':
        return this.#onCopied(state.copy, answer.meta, out);
      case 'copy-failed':
        return this.#onCopyFailed(state.copy, answer.code, nowMs, out);
    }
  }

  #onCopied(copy: Copy, meta: SnapshotMeta, out: LayerOutbox): void {
    for (const peer of copy.asked) out.say(peer, { kind: 'done', digest: meta.digest });
    this.#giver = [...copy.asked];
    this.#wish.forget();
    this.#refused = undefined;
    const isWanted = this.#wish.goal?.for === 'state' && meta.slot > this.#parts.releasedThrough();
    if (isWanted) return this.#install(meta, out);
    this.#rest();
  }

  #onCopyFailed(copy: Copy, code: string, nowMs: number, out: LayerOutbox): void {
    if (code !== 'RSL_SNAPSHOT_CORRUPT') {
      // The medium is full, or cannot write for now: what is there stays.
      this.#wish.begun(copy.meta, nowMs);
      return this.#ask(this.#options.writeAgainMs, nowMs, out);
    }
    this.#wish.forget();
    this.#blame(copy.asked, nowMs, out);
  }

  #install(meta: SnapshotMeta, out: LayerOutbox): void {
    requires(
      () => meta.slot > this.#parts.releasedThrough(),
      'fetch-5 a snapshot takes the state machine forward only (P7)',
    );
    this.#state = { kind: 'installing', meta };
    out.order({ kind: 'install', meta });
  }

  /** True if this was waited for. */
  onInstalled(slot: Slot): boolean {
    if (this.#state.kind !== 'installing') return false;
    const { meta } = this.#state;
    requires(() => slot === meta.slot, 'fetch-6 what was ordered is what was installed (R8)');
    this.#rest();
    ensures(() => !this.isInstalling, 'fetch-7 an install is answered once');
    return true;
  }

  #onInstallFailed(meta: SnapshotMeta, nowMs: number, out: LayerOutbox): void {
    this.#refused = meta.digest;
    this.#blame(this.#giver, nowMs, out);
  }

  /** Whoever gave what is no good is asked again last, and later each time. */
  #blame(givers: Iterable<ReplicaId>, nowMs: number, out: LayerOutbox): void {
    for (const peer of givers) this.#sources.failed(peer, 4);
    this.#failures += 1;
    const { askMs, giveUpMs } = this.#options;
    const waitMs = this.#failures === 1 ? 0 : askMs * 2 ** Math.min(this.#failures - 2, 20);
    this.#ask(Math.min(waitMs, giveUpMs), nowMs, out);
  }

  #rest(): void {
    this.#state = { kind: 'idle' };
    this.#wish.goal = undefined;
    this.#giver = [];
    this.#failures = 0;
  }
}

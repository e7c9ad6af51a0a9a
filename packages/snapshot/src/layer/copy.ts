import type { ReplicaId, SnapshotMeta } from '@rsl/core/protocol';
import { ChunkWindow } from './chunk-window.ts';
import type { LayerOptions } from './layer-options.ts';
import type { LayerOutbox } from './layer-outbox.ts';
import type { Sources } from './sources.ts';

type Options = Pick<LayerOptions, 'chunkBytes' | 'askAgainMs' | 'stallMs' | 'windowChunks'>;

/** One snapshot on its way here, from one source after the other. */
export class Copy {
  readonly meta: SnapshotMeta;
  /** Of the order that began it: the store's answers bear it. */
  readonly ticket: number;
  readonly #options: Options;
  readonly #sources: Sources;
  /** Undefined until the store has said how much of it is there. */
  #window: ChunkWindow | undefined;
  #source: ReplicaId | undefined;
  /** Whoever was asked for some of it: to be told when it is over, or blamed. */
  readonly asked = new Set<ReplicaId>();
  /** When the source gave something last, or began to be asked. */
  #heardMs = 0;
  /** When anybody gave something last. */
  #givenMs: number;
  #isCommitting = false;

  constructor(
    { meta, ticket }: { readonly meta: SnapshotMeta; readonly ticket: number },
    sources: Sources,
    options: Options,
    nowMs: number,
  ) {
    this.meta = meta;
    this.ticket = ticket;
    this.#sources = sources;
    this.#options = options;
    this.#givenMs = nowMs;
  }

  /** Nobody has given anything for `forMs`, and nobody is left who could be about to. */
  isForsaken(forMs: number, nowMs: number): boolean {
    const window = this.#window;
    if (window === undefined || this.#isCommitting || nowMs - this.#givenMs < forMs) return false;
    return this.#source === undefined || (window.isWaiting && this.#isStalled(nowMs));
  }

  /** To leave it for another one costs nothing. */
  get isEmpty(): boolean {
    return this.#window?.isEmpty === true;
  }

  /** Somebody is heard again: whoever has it gets the time to say so. */
  renew(nowMs: number): void {
    this.#givenMs = nowMs;
  }

  #isStalled(nowMs: number): boolean {
    return nowMs - this.#heardMs >= this.#options.stallMs;
  }

  /** Bytes that are asked for or here, and not yet written. */
  get openBytes(): number {
    return this.#window?.openBytes ?? 0;
  }

  // ---- the store

  /** It has so many bytes of it already. */
  onCopying(bytes: number, nowMs: number, out: LayerOutbox): void {
    if (this.#window !== undefined) return;
    this.#window = new ChunkWindow(this.meta.bytes, bytes, this.#options);
    this.#givenMs = nowMs;
    this.#goOn(nowMs, out);
  }

  onWritten(bytes: number, nowMs: number, out: LayerOutbox): void {
    if (this.#window === undefined || this.#isCommitting) return;
    this.#window.onWritten(bytes);
    // It was waiting for the store, and not for anybody else.
    this.#givenMs = nowMs;
    this.#goOn(nowMs, out);
  }

  // ---- the sources

  onChunk(
    from: ReplicaId,
    offset: number,
    bytes: Uint8Array,
    nowMs: number,
    out: LayerOutbox,
  ): void {
    if (this.#window === undefined || !this.asked.has(from)) return;
    if (!this.#window.take(offset, bytes)) return;
    this.#givenMs = nowMs;
    if (from === this.#source) this.#heardMs = nowMs;
    for (const part of this.#window.hand()) out.order({ kind: 'write', bytes: part });
    this.#goOn(nowMs, out);
  }

  /** That one cannot be asked any more. */
  onLost(from: ReplicaId, nowMs: number, out: LayerOutbox): void {
    if (from !== this.#source) return;
    this.#sources.failed(from);
    this.#source = undefined;
    this.#goOn(nowMs, out);
  }

  onTick(nowMs: number, out: LayerOutbox): void {
    const source = this.#source;
    const isWaiting = source !== undefined && this.#window?.isWaiting === true;
    if (isWaiting && this.#isStalled(nowMs)) {
      this.#sources.failed(source);
      this.#source = undefined;
    }
    this.#goOn(nowMs, out);
  }

  /** Asks for whatever can be asked for now; commits what is complete. */
  #goOn(nowMs: number, out: LayerOutbox): void {
    const window = this.#window;
    if (window === undefined || this.#isCommitting) return;
    if (window.isComplete) {
      this.#isCommitting = true;
      return out.order({ kind: 'commit' });
    }
    const isNew = this.#source === undefined;
    this.#source ??= this.#sources.giverOf(this.meta.digest);
    const source = this.#source;
    if (source === undefined) return;
    this.asked.add(source);
    if (isNew || !window.isWaiting) this.#heardMs = nowMs;
    // Another source begins where the last one ended: with what has not come from it.
    const { askAgainMs } = this.#options;
    const again = isNew ? window.askAnew(nowMs) : window.askAgain(askAgainMs, nowMs);
    for (const { offset, bytes } of [...again, ...window.ask(nowMs)]) {
      out.say(source, { kind: 'get', digest: this.meta.digest, offset, bytesMax: bytes });
    }
  }
}

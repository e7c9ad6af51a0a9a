import type { Logger } from '@rsl/core';
import type { SnapshotMeta } from '@rsl/core/protocol';
import type { Progress } from '@rsl/snapshot';

/** What is on its way, of how many bytes if that is known. */
export interface UnderWay {
  readonly kind: 'saving' | 'copying' | 'loading';
  readonly slot: number;
  readonly bytes: number;
  readonly bytesTotal: number | undefined;
}

/** One moment of a replica's snapshots, for people and for JSON. */
export interface SnapshotState {
  /** The newest first. */
  readonly kept: readonly Pick<SnapshotMeta, 'slot' | 'bytes' | 'digest'>[];
  readonly savingStopped: boolean;
  readonly underWay: readonly UnderWay[];
  /** Of the last one that was saved since the start. */
  readonly lastSave: { readonly atMs: number; readonly ms: number; readonly where: string } | null;
  /** Why the last try failed; null if it did not. */
  readonly lastError: string | null;
  /** Since the start. */
  readonly counters: Readonly<
    Record<'saved' | 'failed' | 'copied' | 'loaded' | 'condemned', number>
  >;
}

/** Remembers what happens to snapshots, and says in the log what nobody else says there. */
export class SnapshotNews {
  readonly #logger: Logger;
  readonly #underWay = new Map<UnderWay['kind'], UnderWay>();
  readonly #counters = { saved: 0, failed: 0, copied: 0, loaded: 0, condemned: 0 };
  #lastSave: SnapshotState['lastSave'] = null;
  #lastError: string | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get lastSaveMs(): number {
    return this.#lastSave?.atMs ?? 0;
  }

  state(kept: readonly SnapshotMeta[], savingStopped: boolean): SnapshotState {
    return {
      kept: kept.map(({ slot, bytes, digest }) => ({ slot, bytes, digest })),
      savingStopped,
      underWay: [...this.#underWay.values()],
      lastSave: this.#lastSave,
      lastError: this.#lastError,
      counters: { ...this.#counters },
    };
  }

  hear(progress: Progress): void {
    switch (progress.kind) {
      case 'saving':
        return this.#isUnderWay('saving', progress.slot, progress.bytes);
      case 'copying':
      case 'loading': {
        const { kind, meta, bytes } = progress;
        return this.#isUnderWay(kind, meta.slot, bytes, meta.bytes);
      }
      case 'saved': {
        const { ms, where } = progress;
        this.#lastError = null;
        this.#lastSave = { atMs: Date.now(), ms: Math.round(ms), where };
        this.#counters.saved++;
        this.#underWay.delete('saving');
        return;
      }
      case 'save-failed':
        this.#lastError = progress.error.message;
        this.#counters.failed++;
        this.#underWay.delete('saving');
        return;
      case 'copied':
        this.#logger.info(
          { event: 'snapshot-copied', slot: progress.meta.slot, bytes: progress.meta.bytes },
          'a snapshot was copied from another replica',
        );
        this.#counters.copied++;
        this.#underWay.delete('copying');
        return;
      case 'loaded':
        this.#counters.loaded++;
        this.#underWay.delete('loading');
        return;
      case 'condemned':
        this.#counters.condemned++;
        return;
      case 'diverged':
      case 'stateless':
        this.#lastError = progress.error.message;
        return;
      case 'unserved':
        this.#lastError = `no peer gives a snapshot with slot ${progress.need} in it`;
        return;
    }
  }

  #isUnderWay(kind: UnderWay['kind'], slot: number, bytes: number, bytesTotal?: number): void {
    const before = this.#underWay.get(kind);
    this.#underWay.set(kind, { kind, slot, bytes, bytesTotal });
    const isNew = before?.slot !== slot || bytes < before.bytes;
    const line = { event: `snapshot-${kind}`, slot, bytes, bytesTotal };
    if (!isNew) this.#logger.debug(line, sentences[kind]);
    else this.#logger.info(line, sentences[kind]);
  }
}

const sentences = {
  saving: 'a snapshot is being saved',
  copying: 'a snapshot is being copied from another replica',
  loading: 'a snapshot is being loaded',
} as const;

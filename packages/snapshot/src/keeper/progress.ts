import type { Logger, ReplicaId, Slot, SnapshotMeta } from '@rsl/core/protocol';

/** What is on its way, and what became of it. */
export type Progress =
  /** A snapshot is being written: so many bytes so far. */
  | { readonly kind: 'saving'; readonly slot: Slot; readonly bytes: number }
  /** It is durable: where, for people, and after how many milliseconds. */
  | {
      readonly kind: 'saved';
      readonly meta: SnapshotMeta;
      readonly where: string;
      readonly ms: number;
    }
  /** Nothing of it stays; what was there before does. */
  | { readonly kind: 'save-failed'; readonly slot: Slot; readonly error: Error }
  /** A copy of a peer's: so many bytes are here. */
  | { readonly kind: 'copying'; readonly meta: SnapshotMeta; readonly bytes: number }
  | { readonly kind: 'copied'; readonly meta: SnapshotMeta }
  /** It takes the place of the state: so many bytes so far. */
  | { readonly kind: 'loading'; readonly meta: SnapshotMeta; readonly bytes: number }
  | { readonly kind: 'loaded'; readonly meta: SnapshotMeta }
  /** It cannot be verified, or its state has diverged: it is set aside. */
  | { readonly kind: 'condemned'; readonly meta: SnapshotMeta; readonly error: Error }
  /**
   * At a start: none that is good reaches the log, which begins behind slot `need`. The replica
   * runs without a state, silent, until a peer has given it a snapshot of this slot or a later one.
   */
  | { readonly kind: 'stateless'; readonly need: Slot; readonly error: Error }
  /**
   * Members have made different states of the same slots: a state machine does not do the same
   * everywhere, or a machine is faulty. `here`: this one differs from a quorum, and stops.
   */
  | {
      readonly kind: 'diverged';
      readonly slot: Slot;
      readonly verdict: 'here' | 'elsewhere' | 'unknown';
      readonly others: readonly ReplicaId[];
      readonly error: Error;
    }
  /** Nobody has given one with this slot in it for `giveUpMs`; asking goes on. */
  | { readonly kind: 'unserved'; readonly need: Slot };

/** How often `bytes` are told. */
const stepBytes = 16 * 1024 * 1024;

/** Tells a listener, and lets nothing that it does matter. */
export class Teller {
  readonly #listener: ((progress: Progress) => void) | undefined;
  readonly #logger: Logger;
  #toldBytes = 0;

  constructor(listener: ((progress: Progress) => void) | undefined, logger: Logger) {
    this.#listener = listener;
    this.#logger = logger;
  }

  tell(progress: Progress): void {
    if (this.#listener === undefined) return;
    if ('bytes' in progress && !this.#isStep(progress.bytes)) return;
    try {
      this.#listener(progress);
    } catch (err) {
      this.#logger.error({ err }, 'a listener of snapshots threw');
    }
  }

  #isStep(bytes: number): boolean {
    const isStep = bytes < this.#toldBytes || bytes === 0 || bytes >= this.#toldBytes + stepBytes;
    if (isStep) this.#toldBytes = bytes;
    return isStep;
  }
}

import {
  type Logger,
  nowhere,
  type Slot,
  type SnapshotMeta,
  type SnapshotStore,
} from '@rsl/core/protocol';
import type { Teller } from './progress.ts';

/** The committed snapshots of a store, as they were listed last. */
export class Kept {
  readonly #store: SnapshotStore;
  readonly #keep: number;
  readonly #logger: Logger;
  readonly #teller: Teller;
  readonly #changed: (metas: readonly SnapshotMeta[]) => void;
  metas: readonly SnapshotMeta[] = [];

  constructor(
    store: SnapshotStore,
    keep: number,
    logger: Logger,
    teller: Teller,
    changed: (metas: readonly SnapshotMeta[]) => void,
  ) {
    this.#store = store;
    this.#keep = keep;
    this.#logger = logger;
    this.#teller = teller;
    this.#changed = changed;
  }

  get store(): SnapshotStore {
    return this.#store;
  }

  find(digest: string): SnapshotMeta | undefined {
    return this.metas.find((meta) => meta.digest === digest);
  }

  /** Not a restored backup, which says of no group that it is its state. */
  at(slot: Slot): SnapshotMeta | undefined {
    const isNamed = ({ membership }: SnapshotMeta): boolean => membership.number > nowhere.number;
    return this.metas.find((meta) => meta.slot === slot && isNamed(meta));
  }

  async list(): Promise<readonly SnapshotMeta[]> {
    this.metas = await this.#store.list();
    return this.metas;
  }

  /** Another one is durable: the oldest ones go. */
  async added(): Promise<void> {
    await this.list();
    const oldest = this.metas[this.#keep - 1];
    if (oldest !== undefined && this.metas.length > this.#keep) {
      try {
        await this.#store.discard(oldest.slot);
      } catch (err) {
        this.#logger.warn({ err }, 'older snapshots cannot be removed; look after the medium');
      }
      await this.list();
    }
    this.#changed(this.metas);
  }

  /** One of them is not there any more, by nobody's order. */
  async lost(meta: SnapshotMeta): Promise<void> {
    this.#logger.error({ slot: meta.slot }, 'a snapshot is gone; look after the medium');
    await this.list();
    this.#changed(this.metas);
  }

  /** It cannot be verified, or says what is wrong: nobody is given it any more. */
  async condemn(meta: SnapshotMeta, error: Error): Promise<void> {
    const { slot } = meta;
    this.#logger.error({ err: error, slot }, 'a snapshot is no good, and set aside');
    this.#teller.tell({ kind: 'condemned', meta, error });
    try {
      await this.#store.condemn(meta);
    } catch (err) {
      this.#logger.warn({ err, slot }, 'it cannot be set aside either; look after the medium');
    }
    await this.list();
    this.#changed(this.metas);
  }
}

import { FrameError, LogTruncatedError, SnapshotCorruptError, StorageError } from '@rsl/core';
import {
  type BesideHost,
  type Logger,
  nowhere,
  type ReplicatedState,
  sameFounding,
  type Slot,
  type SnapshotMeta,
} from '@rsl/core/protocol';
import { asError, codeOf } from '../failures.ts';
import { imageLayout } from '../image-layout.ts';
import { piecesOf } from '../pieces.ts';
import type { Kept } from './kept.ts';
import type { Teller } from './progress.ts';

export interface LoadingParts {
  readonly kept: Kept;
  readonly state: ReplicatedState;
  readonly logger: Logger;
  readonly teller: Teller;
}

/** Of the log: its group, and what that began with. */
type LogsGroup = Pick<BesideHost, 'founding' | 'group'>;

/** What a start has found. */
export type Found =
  | { readonly kind: 'loaded'; readonly meta: SnapshotMeta }
  /** There is no snapshot that the log goes on behind, and the log has everything. */
  | { readonly kind: 'none' }
  /** And it has not: the state is lost here. RSL_SNAPSHOT_CORRUPT, RSL_LOG_TRUNCATED. */
  | { readonly kind: 'stateless'; readonly error: Error };

/** Puts a snapshot in the place of the state. */
export class Loading {
  readonly #parts: LoadingParts;

  constructor(parts: LoadingParts) {
    this.#parts = parts;
  }

  /**
   * Loads the newest snapshot whose every byte is the one that was committed; older ones are tried
   * if it is not. RSL_WRONG_STORE: there are snapshots of a group that the log is not in; the names
   * may be equal. Whatever reading throws that says nothing of what was written, if that was all
   * there is: another start may find it.
   */
  async newest(firstSlot: Slot, log: LogsGroup): Promise<Found> {
    const { kept, logger } = this.#parts;
    let why: Error | undefined;
    for (const meta of ofGroup(await kept.list(), log)) {
      if (meta.slot < firstSlot - 1) break;
      try {
        await this.#load(meta, 'verify');
        return { kind: 'loaded', meta };
      } catch (error) {
        if (codeOf(error) === 'RSL_LOAD_FAILED') throw error;
        why = asError(error);
        // No log has what a backup has, and nobody can be asked: it stays, and is refused again.
        if (log.group === undefined) throw why;
        const { slot } = meta;
        if (isCorrupt(error)) await kept.condemn(meta, why);
        else
          logger.error({ err: error, slot }, 'a snapshot cannot be loaded; an older one is tried');
      }
    }
    if (firstSlot > 1) return this.#stateless(firstSlot, why);
    if (why !== undefined) logger.warn({}, 'no snapshot is good; the log has every slot');
    return { kind: 'none' };
  }

  #stateless(firstSlot: Slot, why: Error | undefined): Found {
    const { kept, logger, teller } = this.#parts;
    if (why !== undefined && !isCorrupt(why) && !(why instanceof FrameError)) throw why;
    const error = nothingGood(firstSlot, kept.metas[0]?.slot ?? 0, why);
    const need = firstSlot - 1;
    const what = 'the state is lost here; nothing is executed or answered until a peer gives one';
    logger.warn({ err: error, code: codeOf(error), need }, what);
    teller.tell({ kind: 'stateless', need, error });
    return { kind: 'stateless', error };
  }

  /** `verified`: its content was, when it was committed in this life of the replica. */
  async install(meta: SnapshotMeta, how: 'verified' | 'verify'): Promise<void> {
    await this.#load(meta, how);
  }

  async #load(meta: SnapshotMeta, how: 'verified' | 'verify'): Promise<void> {
    const { kept, logger, state, teller } = this.#parts;
    if (meta.layout !== imageLayout) throw otherLayout(meta);
    const reader = await kept.store.open(meta);
    try {
      if (how === 'verify') await reader.verify();
      await state.load(
        meta.slot,
        piecesOf(reader, (bytes) => teller.tell({ kind: 'loading', meta, bytes })),
      );
    } finally {
      await reader.close();
    }
    const { bytes, slot } = meta;
    logger.info({ slot, bytes }, 'a snapshot was loaded');
    teller.tell({ kind: 'loaded', meta });
  }
}

export const isCorrupt = (error: unknown): boolean => codeOf(error) === 'RSL_SNAPSHOT_CORRUPT';

const otherLayout = ({ layout, slot }: SnapshotMeta): FrameError =>
  new FrameError(
    `the snapshot of slot ${slot} has layout ${layout}, and this version knows ${imageLayout} only`,
  );

/** A group that is formed anew is another one, also under the same name: see P9, S10. */
function ofGroup(
  metas: readonly SnapshotMeta[],
  { founding, group }: LogsGroup,
): readonly SnapshotMeta[] {
  const other = metas.find(({ digest, membership, slot }) => {
    if (membership.number !== nowhere.number) return membership.group !== group;
    // A restored backup is of no group: the one that is formed on it names it.
    return group !== undefined && !sameFounding(founding, { slot, digest });
  });
  if (other === undefined) return metas;
  const log = group === undefined ? 'the log is in no group yet' : `the log is of group ${group}`;
  const whose = `the snapshot of slot ${other.slot} is of group ${other.membership.group}`;
  throw new StorageError(
    'RSL_WRONG_STORE',
    `${whose}, and ${log}; move the snapshots elsewhere, or the log back`,
  );
}

function nothingGood(firstSlot: Slot, newest: Slot, cause: Error | undefined): Error {
  if (cause === undefined) return new LogTruncatedError(newest + 1, firstSlot);
  const { file = 'the snapshots', offset = 0 } = cause as Partial<SnapshotCorruptError>;
  const why = `no snapshot is good, and the log begins at slot ${firstSlot} only`;
  return new SnapshotCorruptError(file, offset, `${why}: ${cause.message}`);
}

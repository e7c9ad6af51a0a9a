import { FrameError, LogTruncatedError, SnapshotCorruptError, StorageError } from '@rsl/core';
import type {
  GroupId,
  Logger,
  ReplicatedState,
  Slot,
  SnapshotMeta,
  SnapshotReader,
} from '@rsl/core/protocol';
import { asError, codeOf } from '../failures.ts';
import type { Kept } from './kept.ts';
import type { Teller } from './progress.ts';
import { imageLayout } from './saver.ts';

/** Read at a time. */
const pieceBytes = 256 * 1024;

export interface LoadingParts {
  readonly kept: Kept;
  readonly state: ReplicatedState;
  readonly logger: Logger;
  readonly teller: Teller;
}

/** Puts a snapshot in the place of the state. */
export class Loading {
  readonly #parts: LoadingParts;

  constructor(parts: LoadingParts) {
    this.#parts = parts;
  }

  /**
   * Loads the newest snapshot whose every byte is the one that was committed; older ones are tried
   * if it is not. Undefined: there is none that the log goes on behind, and the log has everything.
   * RSL_SNAPSHOT_CORRUPT, RSL_LOG_TRUNCATED: it has not, so that nothing may begin (S6).
   * RSL_WRONG_STORE: there are snapshots of a group that the log is not in; the names may be equal.
   */
  async newest(firstSlot: Slot, group: GroupId | undefined): Promise<SnapshotMeta | undefined> {
    const { kept, logger } = this.#parts;
    let why: Error | undefined;
    for (const meta of ofGroup(await kept.list(), group)) {
      if (meta.slot < firstSlot - 1) break;
      try {
        await this.#load(meta, 'verify');
        return meta;
      } catch (error) {
        if (codeOf(error) === 'RSL_LOAD_FAILED') throw error;
        why = asError(error);
        const { slot } = meta;
        if (isCorrupt(error)) await kept.condemn(meta, why);
        else
          logger.error({ err: error, slot }, 'a snapshot cannot be loaded; an older one is tried');
      }
    }
    if (firstSlot > 1) throw nothingGood(firstSlot, kept.metas[0]?.slot ?? 0, why);
    if (why !== undefined) logger.warn({}, 'no snapshot is good; the log has every slot');
    return undefined;
  }

  /** Its content was verified when it was committed. */
  async install(meta: SnapshotMeta): Promise<void> {
    await this.#load(meta, 'verified');
  }

  async #load(meta: SnapshotMeta, how: 'verified' | 'verify'): Promise<void> {
    const { kept, logger, state, teller } = this.#parts;
    if (meta.layout !== imageLayout) throw otherLayout(meta);
    const reader = await kept.store.open(meta);
    try {
      if (how === 'verify') await reader.verify();
      await state.load(meta.slot, piecesOf(reader, teller));
    } finally {
      await reader.close();
    }
    const { bytes, slot } = meta;
    logger.info({ slot, bytes }, 'a snapshot was loaded');
    teller.tell({ kind: 'loaded', meta });
  }
}

async function* piecesOf(reader: SnapshotReader, teller: Teller): AsyncGenerator<Uint8Array> {
  const { meta } = reader;
  for (let at = 0; at < meta.bytes; ) {
    teller.tell({ kind: 'loading', meta, bytes: at });
    const piece = await reader.read(at, pieceBytes);
    at += piece.length;
    yield piece;
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
  group: GroupId | undefined,
): readonly SnapshotMeta[] {
  const other = metas.find(({ membership }) => membership.group !== group);
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
  if (!isCorrupt(cause) && !(cause instanceof FrameError)) return cause;
  const { file = 'the snapshots', offset = 0 } = cause as Partial<SnapshotCorruptError>;
  const why = `no snapshot is good, and the log begins at slot ${firstSlot} only`;
  return new SnapshotCorruptError(file, offset, `${why}: ${cause.message}`);
}

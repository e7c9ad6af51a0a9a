import { InvalidOptionError, LogTruncatedError, StorageError } from '@rsl/core';
import {
  type DecidedLog,
  type Logger,
  type Membership,
  OfflineState,
  type Slot,
  type SnapshotMeta,
  type StateMachine,
} from '@rsl/core/protocol';
import { asError } from '../failures.ts';
import { inspectSnapshots } from '../inspect/inspect-snapshots.ts';
import { imageLayout } from '../image-layout.ts';
import { piecesOf } from '../pieces.ts';
import { snapshotAt } from './snapshot-file-at.ts';
import { writeSnapshot } from './write-snapshot.ts';

/** What is replayed, and how far. */
export interface ReplayOptions {
  /** As it is before slot 1: a new one. It is what the caller looks into afterwards. */
  readonly stateMachine: StateMachine;
  /** `decidedLog(directory)` of `@rsl/log-file/inspect`. */
  readonly log: DecidedLog;
  /** Directory of the replica's snapshots; without it the log has to begin with slot 1. */
  readonly snapshots?: string;
  /** The last slot that is executed: everything that is known to be decided, unless it is given. */
  readonly through?: Slot;
  /** The slots that the group does not execute; see `startReplica`. */
  readonly skip?: readonly Slot[];
  /** An empty directory, or none yet: a snapshot of the state is written there. */
  readonly to?: string;
  /** Hears of snapshots that are passed over, and why. */
  readonly logger?: Logger;
}

/** What came of it. */
export interface Replayed {
  /** The state machine is as it was right after this slot. */
  readonly slot: Slot;
  /** Group time then, in milliseconds. */
  readonly timeMs: number;
  /** What was gone on from. */
  readonly from: SnapshotMeta | undefined;
  /** The snapshot that was written, and its file. */
  readonly saved: { readonly meta: SnapshotMeta; readonly where: string } | undefined;
}

/**
 * Brings a state machine to what it was right after a slot, from the newest snapshot before it that
 * can be verified and from the log behind that; takes part in nothing, and changes no byte of
 * either. Rejects with RSL_INVALID_OPTION if less is known to be decided, RSL_LOG_TRUNCATED if the
 * log begins later and no snapshot is good (S6), RSL_WRONG_STORE if the snapshots are another
 * group's, and the errors of log, snapshots and state machine.
 */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { log, skip = [], stateMachine, to } = options;
  const metas = await snapshotsOf(options);
  const through = options.through ?? Math.max(log.decidedThrough, metas[0]?.meta.slot ?? 0);
  check(through, log, metas);
  const offline = await OfflineState.open(stateMachine, new Set(skip));
  const from = await loadNewest(offline, metas, through, options);
  const next = offline.state.executedThrough + 1;
  if (next < log.firstSlot && next <= through) throw new LogTruncatedError(next, log.firstSlot);
  if (next <= through) await log.read(next, through, (slot, value) => offline.execute(slot, value));
  const { executedThrough: slot, timeMs } = offline.state;
  const saved = to === undefined ? undefined : await save(offline, to, from, log);
  return { slot, timeMs, from, saved };
}

interface Found {
  readonly file: string;
  readonly meta: SnapshotMeta;
}

/** Those of the log's group, the newest first. */
async function snapshotsOf({ log, snapshots }: ReplayOptions): Promise<readonly Found[]> {
  if (snapshots === undefined) return [];
  const report = await inspectSnapshots(snapshots);
  const found = report.snapshots.flatMap(({ file, group, meta }) =>
    meta === undefined ? [] : [{ file, group, meta }],
  );
  for (const { file, group, meta } of found) {
    if (group === log.name && meta.membership.group === log.group) continue;
    const what = `${file} is a snapshot of another group than the log of ${log.where}`;
    throw new StorageError('RSL_WRONG_STORE', `${what}; give the directories of one replica`);
  }
  return found;
}

function check(through: Slot, log: DecidedLog, metas: readonly Found[]): void {
  if (!Number.isSafeInteger(through) || through < 0) {
    throw new InvalidOptionError('through', `it must be a slot, not ${through}`);
  }
  const known = Math.max(log.decidedThrough, ...metas.map(({ meta }) => meta.slot));
  if (through <= known) return;
  const what = `${log.where} knows what is decided through slot ${known} only`;
  throw new InvalidOptionError('through', `${what}; other members may know more`);
}

/** Memory: a chunk. */
async function loadNewest(
  { state }: OfflineState,
  metas: readonly Found[],
  through: Slot,
  { logger }: ReplayOptions,
): Promise<SnapshotMeta | undefined> {
  for (const { file, meta } of metas) {
    if (meta.slot > through || meta.slot <= state.executedThrough) continue;
    if (meta.layout !== imageLayout) {
      logger?.warn({ file, layout: meta.layout }, 'a snapshot of a layout that is not known here');
      continue;
    }
    const { reader } = await snapshotAt(file);
    try {
      await reader.verify();
      await state.load(meta.slot, piecesOf(reader));
      return meta;
    } catch (cause) {
      const error = asError(cause) as Error & { readonly code?: string };
      if (error.code !== 'RSL_SNAPSHOT_CORRUPT') throw error;
      logger?.warn({ err: error, file }, 'a snapshot cannot be verified; an older one is tried');
    } finally {
      await reader.close();
    }
  }
  return undefined;
}

async function save(
  { state }: OfflineState,
  directory: string,
  from: SnapshotMeta | undefined,
  log: DecidedLog,
): Promise<Replayed['saved']> {
  const slot = state.executedThrough;
  const membership = governing(slot, from, log);
  const { name: group, replica: self } = log;
  const about = { slot, membership, layout: imageLayout };
  return writeSnapshot({ directory, group, self, about, image: () => state.save() });
}

/** Of the slot after it (R8). */
function governing(slot: Slot, from: SnapshotMeta | undefined, log: DecidedLog): Membership {
  const known = [log.membership, from?.membership].find(
    (one) => one !== undefined && one.firstSlot <= slot + 1,
  );
  if (known !== undefined) return known;
  throw new InvalidOptionError('to', `${log.where} does not say who governs slot ${slot + 1}`);
}

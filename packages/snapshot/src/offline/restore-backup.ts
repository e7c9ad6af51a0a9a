import { stat } from 'node:fs/promises';
import { InvalidOptionError } from '@rsl/core';
import {
  type Founding,
  foundingImage,
  nowhere,
  type ReplicaId,
  type SnapshotReader,
} from '@rsl/core/protocol';
import { imageLayout } from '../image-layout.ts';
import { inspectSnapshots } from '../inspect/inspect-snapshots.ts';
import { piecesOf } from '../pieces.ts';
import { snapshotAt } from './snapshot-file-at.ts';
import { writeSnapshot } from './write-snapshot.ts';

/** From where, and for whom. */
export interface RestoreBackup {
  /** A snapshot's file, or a directory with snapshots: the newest one. */
  readonly backup: string;
  /** Directory of the new replica's snapshots: empty, or none yet. */
  readonly to: string;
  /** The new group's name; it may be that of the old one, and is another group all the same. */
  readonly group: string;
  /** The new replica. */
  readonly self: ReplicaId;
}

/** What a replica will begin with. */
export interface RestoredBackup {
  /** The same on every member, or they form no group. */
  readonly founding: Founding;
  /** Of the content. */
  readonly bytes: number;
  readonly where: string;
}

/**
 * Puts a backup where a new replica, with an empty log, begins with it: the group that it forms
 * with others that were given the same has its first slot behind the backup's. Sessions and group
 * time come with it; ballots begin anew. Nothing is written unless all of the backup is verified.
 *
 * RSL_INVALID_OPTION if there is none, or something else is in the directory;
 * RSL_SNAPSHOT_CORRUPT: it is damaged; and the errors of writing a snapshot.
 */
export async function restoreBackup(given: RestoreBackup): Promise<RestoredBackup> {
  const { group, self, to } = given;
  const { reader } = await snapshotAt(await newestIn(given.backup));
  try {
    await check(reader);
    const { slot } = reader.meta;
    const about = { slot, membership: nowhere, layout: imageLayout };
    const image = () => foundingImage(piecesOf(reader));
    const { meta, where } = await writeSnapshot({ directory: to, group, self, about, image });
    return { founding: { slot, digest: meta.digest }, bytes: meta.bytes, where };
  } finally {
    await reader.close();
  }
}

async function newestIn(backup: string): Promise<string> {
  const found = await stat(backup).catch(() => undefined);
  if (found === undefined) throw new InvalidOptionError('backup', `there is no ${backup}`);
  if (found.isFile()) return backup;
  const { snapshots } = await inspectSnapshots(backup);
  const newest = snapshots.find(({ meta }) => meta !== undefined);
  if (newest !== undefined) return newest.file;
  throw new InvalidOptionError('backup', `there is no whole snapshot in ${backup}`);
}

async function check(reader: SnapshotReader): Promise<void> {
  const { layout, slot } = reader.meta;
  if (layout !== imageLayout) {
    const what = `the snapshot of slot ${slot} has layout ${layout}, not ${imageLayout}`;
    throw new InvalidOptionError('backup', `${what}; restore it with the version that wrote it`);
  }
  await reader.verify();
}

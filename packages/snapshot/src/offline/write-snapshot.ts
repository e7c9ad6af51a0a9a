import { defaultLimits, InvalidOptionError, silentLogger } from '@rsl/core';
import type { PortContext, ReplicaId, SnapshotAbout, SnapshotMeta } from '@rsl/core/protocol';
import { FileSnapshotStore } from '../file-snapshot-store.ts';
import { systemFiles } from '../files.ts';
import { saveImage } from '../keeper/save-image.ts';
import { completeOptions } from '../options.ts';

export interface WriteSnapshot {
  /** Empty, or made. */
  readonly directory: string;
  /** The group's name. */
  readonly group: string;
  readonly self: ReplicaId;
  readonly about: SnapshotAbout;
  readonly image: () => AsyncIterableIterator<Uint8Array, undefined, undefined>;
}

/** One snapshot into a directory that has nothing in it; durable when it resolves. */
export async function writeSnapshot({
  about,
  directory,
  group,
  image,
  self,
}: WriteSnapshot): Promise<{ readonly meta: SnapshotMeta; readonly where: string }> {
  await expectEmpty(directory);
  const store = await FileSnapshotStore.open(
    directory,
    completeOptions(directory, {}),
    offline(group, self),
    systemFiles,
  );
  try {
    const meta = await saveImage(store, about, image(), {
      isAbandoned: () => false,
      wrote: () => {},
      rest: () => new Promise((resolve) => setImmediate(resolve)),
    });
    return { meta, where: store.where(meta) };
  } finally {
    await store.close();
  }
}

async function expectEmpty(directory: string): Promise<void> {
  const names = await systemFiles.list(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return;
  throw new InvalidOptionError('to', `${directory} is not empty; give a directory of its own`);
}

const offline = (group: string, self: ReplicaId): PortContext => ({
  group,
  self,
  limits: defaultLimits,
  logger: silentLogger,
  clock: {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    everyMs: () => () => {},
    soon: (run) => void setImmediate(run),
  },
  random: { below: (limit) => Math.floor(Math.random() * limit) },
});

import type { Port, SnapshotStore } from '@rsl/core/protocol';
import { FileSnapshotStore } from './file-snapshot-store.ts';
import { systemFiles } from './files.ts';
import { completeOptions, type FileSnapshotsOptions } from './options.ts';

/**
 * Snapshots in files in `directory`, which is made if it is not there, and locked while the store
 * is open: not the one of the log. Throws RSL_INVALID_OPTION.
 */
export function fileSnapshots(
  directory: string,
  options: FileSnapshotsOptions = {},
): Port<SnapshotStore> {
  const complete = completeOptions(directory, options);
  return { open: (context) => FileSnapshotStore.open(directory, complete, context, systemFiles) };
}

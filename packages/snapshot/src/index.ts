/**
 * Snapshots of replicated state: saved, kept in files, verified, given to other replicas and
 * fetched from them.
 *
 * @module @rsl/snapshot
 */
export { type CopySnapshot, copySnapshot } from './copy-snapshot.ts';
export { fileSnapshots } from './file-snapshots.ts';
export { defaultKeeperOptions, type KeeperOptions } from './keeper/keeper-options.ts';
export type { Progress } from './keeper/progress.ts';
export type { Saved } from './keeper/saver.ts';
export { defaultLayerOptions, type LayerOptions } from './layer/layer-options.ts';
export type { FileSnapshotsOptions } from './options.ts';
export { type FrozenMap, SnapshotMap } from './snapshot-map.ts';
export {
  remoteSnapshots,
  type Snapshots,
  type SnapshotsOptions,
  snapshots,
} from './snapshots.ts';

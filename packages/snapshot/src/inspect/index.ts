/**
 * Looking into a directory of snapshots without changing a byte of it.
 *
 * ```ts
 * import { inspectSnapshots } from '@rsl/snapshot/inspect';
 *
 * const { damage, snapshots } = await inspectSnapshots('data/1/snapshots', { verify: true });
 * ```
 *
 * @module @rsl/snapshot/inspect
 */
export { inspectSnapshots } from './inspect-snapshots.ts';
export type {
  Damage,
  InspectedCopy,
  InspectedSnapshot,
  InspectSnapshotsOptions,
  SnapshotsReport,
} from './report.ts';

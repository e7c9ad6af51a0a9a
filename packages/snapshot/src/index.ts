/**
 * Snapshots of replicated state: kept in files, verified, copied from other replicas.
 */
export { fileSnapshots } from './file-snapshots.ts';
export type { FileSnapshotsOptions } from './options.ts';

/**
 * What is done with the snapshots and the log of a replica while it does not run.
 *
 * ```ts
 * import { decidedLog } from '@rsl/log-file/inspect';
 * import { replay } from '@rsl/snapshot/offline';
 *
 * const log = await decidedLog('data/1/log');
 * const snapshots = 'data/1/snapshots';
 * const { slot } = await replay({ log, snapshots, stateMachine, through: 4_711 });
 * ```
 *
 * @module @rsl/snapshot/offline
 */
export { replay, type Replayed, type ReplayOptions } from './replay.ts';
export { type RestoreBackup, restoreBackup, type RestoredBackup } from './restore-backup.ts';

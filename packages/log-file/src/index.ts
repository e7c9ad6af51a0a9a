/**
 * A replica's log in segment files: what it promised and what it voted for, durable before
 * anybody is told.
 *
 * ```ts
 * import { startReplica } from '@rsl/core';
 * import { fileLog } from '@rsl/log-file';
 *
 * const replica = await startReplica({ …, log: fileLog('data/1/log') });
 * ```
 */
export { type FileLogArguments, fileLog, remoteFileLog } from './file-log.ts';
export type { FileLogOptions } from './options.ts';
export { sharedFileLog, type SharedFileLog } from './shared/shared-file-log.ts';

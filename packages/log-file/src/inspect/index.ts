/**
 * Looking into a log's directory without changing a byte of it.
 *
 * ```ts
 * import { inspectLog } from '@rsl/log-file/inspect';
 *
 * const { damage, stores } = await inspectLog('data/1/log');
 * ```
 *
 * @module @rsl/log-file/inspect
 */
export { type DecidedLogOptions, decidedLog } from './decided-log.ts';
export { inspectLog } from './inspect-log.ts';
export type {
  Damage,
  FoundGroup,
  FoundRecord,
  FoundValue,
  InspectedSegment,
  InspectedStore,
  InspectLogOptions,
  LogReport,
  LogTail,
} from './report.ts';

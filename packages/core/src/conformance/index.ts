/**
 * The kits: cases as data, one for each sentence of a port.
 *
 * @module @rsl/core/conformance
 */
export type { ConformanceCase } from './case.ts';
export { clientTransportCases } from './client-transport-cases.ts';
export type { OpenClientNetwork, OpenedClientNetwork } from './client-transport-stage.ts';
export { type OpenedTransport, type OpenTransports, transportCases } from './transport-cases.ts';
export { failingLogStoreCases, fullLogStoreCases, logStoreCases } from './log-store-cases.ts';
export type {
  FailingLogStore,
  FullLogStore,
  OpenFailingLogStore,
  OpenFullLogStore,
  OpenLogStore,
} from './log-store-stage.ts';
export { fullSnapshotStoreCases, snapshotStoreCases } from './snapshot-store-cases.ts';
export type {
  FullSnapshotStore,
  OpenFullSnapshotStore,
  OpenSnapshotStore,
} from './snapshot-store-stage.ts';
export {
  type OpenedStateMachine,
  type OpenStateMachine,
  stateMachineCases,
} from './state-machine-cases.ts';

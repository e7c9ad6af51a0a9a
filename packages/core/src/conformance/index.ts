export type { ConformanceCase } from './case.ts';
export { type OpenedTransport, type OpenTransports, transportCases } from './transport-cases.ts';
export { failingLogStoreCases, logStoreCases } from './log-store-cases.ts';
export type { FailingLogStore, OpenFailingLogStore, OpenLogStore } from './log-store-stage.ts';
export {
  type OpenedStateMachine,
  type OpenStateMachine,
  stateMachineCases,
} from './state-machine-cases.ts';

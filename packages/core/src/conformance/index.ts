export type { ConformanceCase } from './case.ts';
export { type OpenedTransport, type OpenTransports, transportCases } from './transport-cases.ts';
export {
  type FailingLogStore,
  failingLogStoreCases,
  logStoreCases,
  type OpenFailingLogStore,
  type OpenLogStore,
} from './log-store-cases.ts';
export {
  type OpenedStateMachine,
  type OpenStateMachine,
  stateMachineCases,
} from './state-machine-cases.ts';

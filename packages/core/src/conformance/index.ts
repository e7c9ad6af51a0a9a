export type { ConformanceCase } from './case.ts';
export { type OpenedTransport, type OpenTransports, transportCases } from './transport-cases.ts';

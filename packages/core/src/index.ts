/**
 * Replicas: what a program that is one types.
 *
 * @module @rsl/core
 */
export * from './api.ts';
export { EngineFailedError } from './engine/engine-failed-error.ts';
export * from './errors.ts';
export {
  defaultLimits,
  defaultSlow,
  defaultTimings,
  type Limits,
  type Slow,
  type Timings,
} from './limits.ts';
export type { Ballot } from './paxos/ballot.ts';
export type {
  Addresses,
  GroupId,
  Member,
  Membership,
  ReplicaId,
  StoreId,
} from './paxos/membership.ts';
export type { Slot } from './paxos/slot.ts';
export type {
  ClientConnection,
  ClientConnectionEvents,
  ClientConnector,
  ClientListener,
  ClientTransportLimits,
} from './ports/client-transport.ts';
export type { Clock } from './ports/clock.ts';
export { type Logger, silentLogger } from './ports/logger.ts';
export type { Port, PortContext, ProcessContext } from './ports/port.ts';
export type { Random } from './ports/random.ts';
export type {
  Batch,
  CommandCodec,
  Results,
  SlotMoment,
  StateMachine,
} from './ports/state-machine.ts';
export type { PeerAddress } from './ports/transport.ts';
export {
  type HostedReplicaOptions,
  openRuntime,
  type Runtime,
  type RuntimeOptions,
} from './runtime.ts';
export * from './session-errors.ts';
export * from './snapshot-errors.ts';
export { sessionLimits } from './sessions/session-limits.ts';
export type { SessionId } from './sessions/session-name.ts';
export { startReplica } from './start-replica.ts';
export * from './state-machine-errors.ts';
export * from './stream-errors.ts';
export {
  type Moment,
  msgpack,
  type TypedMachine,
  typed,
  type ValueCodec,
} from './typed.ts';

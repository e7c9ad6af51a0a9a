/**
 * A simulated world, and the in-memory twin of every port. For tests; nothing here is durable.
 *
 * @module @rsl/core/testing
 */
export { startReplicaBeside } from './beside.ts';
export { type Envelope, FrameWriter, readFrame } from '../codec/frame.ts';
export { CheckFailed, type FailureKind } from './checkers/check-failed.ts';
export { type Client, ClientGone, ClientTurn, type TurnOptions } from './client.ts';
export * from './digest-machine.ts';
export * from './linearizability.ts';
export { LoneLog, LoneMachine } from './lone-machine.ts';
export { type Group, MemoryDisk } from './memory-disk.ts';
export type { ClientWay } from './memory-client-connection.ts';
export { MemoryClientNetwork, type MemoryClientNetworkOptions } from './memory-client-network.ts';
export { memoryLog, type MemoryLogOptions } from './memory-log-store.ts';
export { MemoryShelf } from './memory-shelf.ts';
export { memorySnapshots, type Pace } from './memory-snapshots.ts';
export {
  type Fate,
  MemoryNetwork,
  type MemoryNetworkOptions,
  memoryTransport,
} from './memory-transport.ts';
export { type FaultKind, faultKinds, type FaultLevel, frameKinds, type Mix } from './mix.ts';
export * from './seeded-random.ts';
export { type EffectName, SimProcess, type SimProcessEvents } from './sim-process.ts';
export {
  memoryAddress,
  type SimLayers,
  type SimLayersContext,
  type SimProcessOptions,
} from './sim-process.ts';
export type { SnapshotCounts } from './shelf-watch.ts';
export type { SimulationReport } from './sim-report.ts';
export * from './sim-world.ts';
export type { SimulationOptions } from './simulation-options.ts';
export type { Clocks } from './sim-draws.ts';
export { Simulation } from './simulator.ts';

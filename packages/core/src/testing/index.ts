/** A simulated world, and the in-memory twin of every port. For tests; nothing here is durable. */
export * from './checkers.ts';
export * from './digest-machine.ts';
export * from './linearizability.ts';
export * from './linearizability-models.ts';
export * from './memory-log-store.ts';
export {
  type Fate,
  MemoryNetwork,
  type MemoryNetworkOptions,
  memoryTransport,
} from './memory-transport.ts';
export * from './seeded-random.ts';
export * from './sim-process.ts';
export type { SimulationReport } from './sim-report.ts';
export * from './sim-world.ts';
export * from './simulator.ts';

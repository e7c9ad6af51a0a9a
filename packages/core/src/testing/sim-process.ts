import type { Replica } from '../api.ts';
import type { Limits, Timings } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Logger } from '../ports/logger.ts';
import type { Random } from '../ports/random.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { PeerAddress } from '../ports/transport.ts';
import { startReplica } from '../start-replica.ts';
import { MemoryDisk, memoryLog } from './memory-log-store.ts';
import { type MemoryNetwork, memoryTransport } from './memory-transport.ts';
import { SimClock, type SimWorld } from './sim-world.ts';

export interface SimProcessOptions {
  readonly id: ReplicaId;
  readonly world: SimWorld;
  readonly network: MemoryNetwork;
  readonly random: Random;
  /** How much faster its clock runs than the world's. */
  readonly clockRate: number;
  readonly peers: readonly PeerAddress[];
  readonly limits: Partial<Limits>;
  readonly timings: Partial<Timings>;
  readonly logger: Logger;
  readonly machine: () => StateMachine;
  /** How long a write that begins now takes. */
  readonly writeMs: () => number;
  readonly onStartFailed: (error: unknown) => void;
}

export const memoryAddress = (id: ReplicaId): string => `memory:${id}`;

/** One process with the production host, which can be killed and started again on its disk. */
export class SimProcess {
  readonly id: ReplicaId;
  readonly #options: SimProcessOptions;
  disk = new MemoryDisk();
  replica: Replica | undefined;
  machine: StateMachine | undefined;
  isUp = false;
  starts = 0;
  #clock: SimClock | undefined;

  constructor(options: SimProcessOptions) {
    this.id = options.id;
    this.#options = options;
  }

  start(): void {
    const { world, network, random, clockRate, peers, limits, timings, logger } = this.#options;
    const clock = new SimClock(world, clockRate);
    this.#clock = clock;
    this.isUp = true;
    this.starts += 1;
    const start = this.starts;
    const machine = this.#options.machine();
    this.machine = machine;
    const write = (run: () => void): void => clock.later(this.#options.writeMs(), run);
    startReplica({
      group: 'simulated',
      self: this.id,
      stateMachine: machine,
      log: memoryLog({ disk: this.disk, write }),
      transport: memoryTransport(network, memoryAddress(this.id)),
      peers,
      limits,
      timings,
      logger,
      clock,
      random,
    }).then(
      (replica) => {
        if (this.starts === start && this.isUp) this.replica = replica;
      },
      (error: unknown) => this.#options.onStartFailed(error),
    );
  }

  /** Gone between two events, with what was not durable, but for the first `survivors` writes. */
  kill(survivors: number): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.replica = undefined;
    this.#clock?.kill();
    const { network } = this.#options;
    const transport = network.transports.get(memoryAddress(this.id));
    network.transports.delete(memoryAddress(this.id));
    void transport?.close();
    this.disk.crash(survivors);
  }

  /** Everything in this process waits, as under SIGSTOP or a long collection of garbage. */
  pause(forMs: number): void {
    this.#clock?.pause(forMs);
  }
}

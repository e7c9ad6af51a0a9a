import { inspect } from 'node:util';
import type { LeaseOptions, Replica, ReplicaOptions } from '../api.ts';
import type { RslErrorCode } from '../errors.ts';
import { defaultLimits, type Limits, type Timings } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Layer } from '../ports/layer.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { PeerAddress } from '../ports/transport.ts';
import { startReplica } from '../start-replica.ts';
import { startReplicaBeside } from './beside.ts';
import { PointerChecker } from './checkers/pointers.ts';
import { MemoryDisk } from './memory-disk.ts';
import { memoryLog } from './memory-log-store.ts';
import { MemoryShelf } from './memory-shelf.ts';
import type { Pace } from './memory-snapshots.ts';
import { type MemoryNetwork, memoryTransport } from './memory-transport.ts';
import type { SeededRandom } from './seeded-random.ts';
import { MachineClock, SimClock, type SimWorld } from './sim-world.ts';
import { type OnExecuted, type OnState, Witness } from './witness.ts';

/** Where a process may be killed: before it does one of these. */
export type EffectName = 'append' | 'send' | 'execute';

/** What happens to a process, told to whoever runs the simulation. */
export interface SimProcessEvents {
  readonly executed: OnExecuted;
  /** It runs, and may be asked. */
  readonly started?: (process: SimProcess) => void;
  /** It is about to act on the world; it may be killed or made to wait now. */
  readonly effect: (process: SimProcess, effect: EffectName) => void;
  /** It stops, or did not start, by itself, and says why. */
  readonly stopped: (process: SimProcess, error: unknown) => void;
  /** It is gone, by itself or by `close`, and may be started again. */
  readonly ended: (process: SimProcess) => void;
  /** It said that something is wrong that should never be. */
  readonly alarm: (process: SimProcess, what: string) => void;
}

/** What a process is made of. */
export interface SimProcessOptions {
  readonly id: ReplicaId;
  readonly world: SimWorld;
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  /** How much faster its clock runs than the world's. */
  readonly clockRate: number;
  readonly peers: readonly PeerAddress[];
  readonly limits: Partial<Limits>;
  readonly timings: Partial<Timings>;
  readonly lease?: LeaseOptions | undefined;
  /** See `startReplicaBeside`. */
  readonly isApart?: boolean;
  readonly layers?: SimLayers | undefined;
  /** A new one at each start. */
  readonly stateMachine: () => StateMachine;
  /** Calls `run` when a write that begins now is durable. */
  readonly write: (run: () => void) => void;
  readonly on: SimProcessEvents;
}

/** What layers of a simulated replica are made of, at each start. */
export interface SimLayersContext {
  readonly id: ReplicaId;
  /** Outlives the process. */
  readonly shelf: MemoryShelf;
  /** Of that shelf. */
  readonly pace: Pace;
}

/** The layers of one simulated replica, made anew at each of its starts. */
export type SimLayers = (context: SimLayersContext) => readonly Layer[];

/** How often, and how long, a state machine that is apart from its engine stands still. */
const standStillPercent = 3;
const standStillMsMax = 600;

/** Where replica `id` is in the memory network. */
export const memoryAddress = (id: ReplicaId): string => `memory:${id}`;

/** One process with the production host, which can be killed and started again on its disk. */
export class SimProcess {
  readonly id: ReplicaId;
  readonly limits: Limits;
  /** Outlives the process. */
  readonly machineClock: MachineClock;
  readonly #options: SimProcessOptions;
  disk = new MemoryDisk();
  /** For snapshots. */
  shelf = new MemoryShelf();
  /** Undefined until it has started. */
  replica: Replica | undefined;
  /** The state machine under test, of this start. */
  stateMachine: StateMachine | undefined;
  witness: Witness | undefined;
  pointers = new PointerChecker();
  isUp = false;
  starts = 0;
  leads = false;
  /** Set by a test: hears of every state that is saved or loaded. */
  onState: OnState = () => {};
  /** Codes that it may stop with now, because of what was done to it. */
  readonly excuses = new Set<RslErrorCode>();
  /** Calls that hear nothing any more once the process is gone. */
  readonly onGone = new Set<() => void>();
  #clock: SimClock | undefined;
  /** Of the state machine and the callers; the same unless the engine is apart. */
  #applicationClock: SimClock | undefined;

  constructor(options: SimProcessOptions) {
    this.id = options.id;
    this.#options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.machineClock = new MachineClock(options.world, options.clockRate);
  }

  /** Of this start. */
  get clock(): SimClock | undefined {
    return this.#clock;
  }

  /** How long it still waits, or its current turn still blocks. */
  get waitsMs(): number {
    return this.#clock?.waitsMs ?? 0;
  }

  /** Starts it on its disk, as it is now. */
  start(): void {
    const { world, network, random, peers, limits, timings, lease, on } = this.#options;
    const clock = new SimClock(world, this.machineClock);
    const isApart = this.#options.isApart === true;
    const applicationClock = isApart ? new SimClock(world, this.machineClock) : clock;
    const standsStill = isApart ? random.fork('application') : undefined;
    this.#clock = clock;
    this.#applicationClock = applicationClock;
    this.isUp = true;
    this.starts += 1;
    this.pointers = new PointerChecker();
    const start = this.starts;
    this.stateMachine = this.#options.stateMachine();
    const executed: OnExecuted = (batch, commands) => {
      on.effect(this, 'execute');
      on.executed(batch, commands);
      if (standsStill?.chance(standStillPercent) === true)
        applicationClock.pause(standsStill.below(standStillMsMax));
    };
    const seen: OnState = (what, state) => this.starts === start && this.onState(what, state);
    this.witness = new Witness(this.stateMachine, executed, seen);
    const log = memoryLog({
      disk: this.disk,
      write: this.#options.write,
      onAppend: () => this.isUp && on.effect(this, 'append'),
    });
    const options = {
      limits,
      timings,
      clock: applicationClock,
      random,
      peers,
      log,
      logger: this.#logger(start),
    };
    const begin = (given: ReplicaOptions<Uint8Array, Uint8Array>): Promise<Replica> =>
      isApart ? startReplicaBeside(given, clock) : startReplica(given);
    begin({
      ...options,
      layers: this.#layers(),
      ...(lease === undefined ? {} : { lease }),
      group: 'simulated',
      self: this.id,
      stateMachine: this.witness,
      transport: memoryTransport(network, memoryAddress(this.id)),
    }).then(
      (replica) => this.#onStarted(start, replica),
      (error: unknown) => {
        if (this.starts !== start || !this.isUp) return;
        this.#gone();
        on.stopped(this, error);
        on.ended(this);
      },
    );
  }

  /**
   * Gone between two effects, with what was not durable, but for the first `survivors` writes of
   * its log; of its snapshots what `chance` draws.
   */
  kill(survivors = 0, chance: (below: number) => number = () => 0): void {
    if (!this.isUp) return;
    this.#clock?.kill();
    this.#applicationClock?.kill();
    this.#gone();
    const { network } = this.#options;
    const transport = network.transports.get(memoryAddress(this.id));
    network.transports.delete(memoryAddress(this.id));
    void transport?.close();
    this.disk.crash(survivors);
    this.shelf.crash(chance);
  }

  #layers(): readonly Layer[] {
    const { layers, write } = this.#options;
    const { id, shelf } = this;
    const start = this.starts;
    const isAlive = (): boolean => this.starts === start && this.isUp;
    const pace: Pace = () =>
      new Promise((resolve) => {
        const goOn = (): void => void (isAlive() && resolve());
        const slowMs = shelf.slowMs();
        write(slowMs === 0 ? goOn : () => this.later(slowMs, goOn));
      });
    return layers?.({ id, shelf, pace }) ?? [];
  }

  /** Runs something in this process after a while, unless it is gone by then. */
  later(delayMs: number, run: () => void): void {
    this.#clock?.later(delayMs, run);
  }

  /** Everything in this process waits, as under SIGSTOP or a long collection of garbage. */
  pause(forMs: number): void {
    this.#clock?.pause(forMs);
    if (this.#applicationClock !== this.#clock) this.#applicationClock?.pause(forMs);
  }

  /** Its whole machine stands still; its monotonic clock does not count that time. */
  suspend(forMs: number): void {
    this.machineClock.suspend(forMs);
  }

  /** Whatever it waited for, it goes on now. */
  resume(): void {
    this.machineClock.resume();
    this.pause(0);
  }

  /** Ends as a good process does: all calls are answered, all writes are durable. */
  async close(): Promise<void> {
    const { replica, starts } = this;
    if (replica === undefined) return;
    await replica.close();
    if (this.starts !== starts || !this.isUp) return;
    this.#gone();
    this.#options.on.ended(this);
  }

  #onStarted(start: number, replica: Replica): void {
    if (this.starts !== start || !this.isUp) return;
    this.replica = replica;
    this.#options.on.started?.(this);
    replica.on('leading', () => {
      if (this.starts === start) this.leads = this.isUp;
    });
    replica.on('following', () => {
      if (this.starts === start) this.leads = false;
    });
  }

  #gone(): void {
    this.isUp = false;
    this.replica = undefined;
    this.leads = false;
    for (const tell of this.onGone) tell();
    this.onGone.clear();
  }

  /** It says so because of what was done to it. */
  #isExcused(error: unknown): boolean {
    const { code } = (error ?? {}) as { readonly code?: RslErrorCode };
    if (code === 'RSL_SNAPSHOT_CORRUPT' && this.shelf.hasRotted) return true;
    return code !== undefined && this.excuses.has(code);
  }

  #logger(start: number): Logger {
    const { on } = this.#options;
    return {
      ...silentLogger,
      error: (fields, message) => {
        const { err, what } = fields as { readonly err?: unknown; readonly what?: string };
        if (this.starts !== start || !this.isUp) return;
        if (message === 'the replica stops') {
          on.stopped(this, err);
          void this.close();
        } else if (!this.#isExcused(err))
          on.alarm(this, `${message}: ${what ?? inspect(err ?? fields)}`);
      },
    };
  }
}

import type { Replica, ReplicaOptions } from './api.ts';
import { ClosedError, InvalidOptionError } from './errors.ts';
import { systemClock } from './host/system-clock.ts';
import { systemRandom } from './host/system-random.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { merged, two31 } from './options.ts';
import type { Clock } from './ports/clock.ts';
import type { LogStore } from './ports/log-store.ts';
import { type Logger, silentLogger } from './ports/logger.ts';
import type { Port, ProcessContext } from './ports/port.ts';
import type { Random } from './ports/random.ts';
import type { Endpoint, LocalIdentity, Transport, TransportEvents } from './ports/transport.ts';

/** What replicas of one process share. Only the transport is needed. */
export interface RuntimeOptions<T extends Transport = Transport> {
  /** Opened once, for all groups. */
  readonly transport: Port<T, ProcessContext>;
  /**
   * Where replicas have their logs that bring none of their own: opened anew for each, with its
   * group. Whether they share files is the port's matter.
   */
  readonly log?: Port<LogStore>;
  /**
   * Of every replica that brings no others. `frameBytesMax` and `sendQueueBytesMax` bound what is
   * shared: a replica has no others.
   */
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
  /** For tests: simulated time and chance. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What a replica cannot have of its own on a runtime. */
const sharedOptions = ['transport', 'clock', 'random'] as const;
/** Bounds of the transport: of one frame, and of one group's queue to one peer. */
const sharedLimits = ['frameBytesMax', 'sendQueueBytesMax'] as const;

/** What `startReplica` is given where a runtime has the rest. */
export interface HostedReplicaOptions<C, R>
  extends Omit<ReplicaOptions<C, R>, (typeof sharedOptions)[number] | 'log' | 'runtime'> {
  readonly runtime: Runtime;
  /** The runtime's unless given. */
  readonly log?: Port<LogStore>;
}

/**
 * Opens what all replicas of this process share: `startReplica({ runtime, … })` then starts one on
 * it. Rejects with RSL_INVALID_OPTION and with the errors of the transport.
 */
export function openRuntime<T extends Transport>(options: RuntimeOptions<T>): Promise<Runtime<T>> {
  return Runtime.open(options);
}

/** One transport for the replicas of many groups. */
export class Runtime<T extends Transport = Transport> {
  /** For what it tells of itself, as `counters()` of TCP. The runtime closes it. */
  readonly transport: T;
  readonly #options: RuntimeOptions<T>;
  readonly #context: ProcessContext;
  /** Whose replicas hold an endpoint, or are about to. */
  readonly #groups = new Set<string>();
  readonly #replicas = new Set<Promise<{ close(): Promise<void> }>>();
  #closing: Promise<void> | undefined;

  private constructor(options: RuntimeOptions<T>, context: ProcessContext, transport: T) {
    this.#options = options;
    this.#context = context;
    this.transport = transport;
  }

  static async open<T extends Transport>(options: RuntimeOptions<T>): Promise<Runtime<T>> {
    const { transport, clock = systemClock, random = systemRandom } = options;
    if (typeof transport !== 'object' || transport === null) {
      throw new InvalidOptionError('transport', 'is missing');
    }
    const limits = merged('limits', defaultLimits, options.limits, two31);
    const logger = options.logger ?? silentLogger;
    const context: ProcessContext = { limits, clock, random, logger };
    return new Runtime(options, context, await transport.open(context));
  }

  /** Where the replicas of other processes reach those of this one. */
  get address(): string {
    return this.transport.address;
  }

  /** The groups that have a replica here. */
  get groups(): readonly string[] {
    return [...this.#groups];
  }

  /** For `startReplica`, which is given: a replica that has what this runtime has. */
  async host<C, R>(
    own: HostedReplicaOptions<C, R>,
    start: (options: ReplicaOptions<C, R>) => Promise<Replica<C, R>>,
  ): Promise<Replica<C, R>> {
    const { group } = own;
    if (this.#closing !== undefined) throw new ClosedError('the runtime was closed');
    if (this.#groups.has(group)) {
      throw new InvalidOptionError('group', `this runtime has a replica of '${group}' already`);
    }
    const options = this.#completed(own);
    this.#groups.add(group);
    const starting = start(options);
    this.#replicas.add(starting);
    try {
      const replica = await starting;
      replica.on('stopped', () => {
        void replica.close().then(() => this.#replicas.delete(starting));
      });
      return replica;
    } catch (error) {
      this.#groups.delete(group);
      this.#replicas.delete(starting);
      throw error;
    }
  }

  /** Closes every replica, then what they shared. A second call waits too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = async (starting: Promise<{ close(): Promise<void> }>): Promise<void> => {
      const replica = await starting.catch(() => undefined);
      await replica?.close();
    };
    await Promise.all([...this.#replicas].map(closed));
    await this.transport.close();
  }

  #completed<C, R>(own: HostedReplicaOptions<C, R>): ReplicaOptions<C, R> {
    const { clock, random, logger, limits } = this.#context;
    const names = new Map<string, unknown>(Object.entries(own));
    for (const name of sharedOptions) {
      if (names.get(name) === undefined) continue;
      throw new InvalidOptionError(name, 'is the runtime’s: give it to openRuntime');
    }
    for (const name of sharedLimits) {
      const given = own.limits?.[name];
      if (given === undefined || given === limits[name]) continue;
      const why = `is the runtime’s, ${limits[name]}: give it to openRuntime`;
      throw new InvalidOptionError(`limits.${name}`, why);
    }
    if (own.isolation === 'thread') {
      const why = 'the transport that is shared is on this thread: leave it out, or inline';
      throw new InvalidOptionError('isolation', why);
    }
    const transport = { open: async () => this.#lend(own.group) };
    const log = own.log ?? this.#options.log;
    const base = {
      clock,
      random,
      logger,
      ...own,
      limits: { ...this.#options.limits, ...own.limits },
    };
    // Whatever is missing is said by the checks of every replica's options.
    return { ...base, runtime: undefined, transport, log } as ReplicaOptions<C, R>;
  }

  /** One replica's part of the transport: closing it leaves the others theirs. */
  #lend(group: string): Transport {
    const shared = this.transport;
    let endpoint: Endpoint | undefined;
    return {
      get address() {
        return shared.address;
      },
      open(local: LocalIdentity, on: TransportEvents): Endpoint {
        endpoint = shared.open(local, on);
        return endpoint;
      },
      close: async () => {
        endpoint?.close();
        this.#groups.delete(group);
      },
    };
  }
}

import type {
  CallOptions,
  ExecutedOptions,
  ExecutedSlot,
  ManyResults,
  ReadLevel,
  Relay,
  Replica,
  ReplicaMetrics,
  ReplicaOptions,
  ReplicaStatus,
  Session,
  SessionOptions,
} from './api.ts';
import { ClosedError, InvalidOptionError } from './errors.ts';
import type { Events } from './events.ts';
import { Calls } from './host/calls.ts';
import { executedStream } from './host/executed-stream.ts';
import type { Engine } from './host/halves.ts';
import type { LocalApplication } from './host/local-application.ts';
import type { CommandSample } from './host/metrics.ts';
import { OwnSession } from './host/own-session.ts';
import { HostRelay } from './host/relay.ts';
import { systemClock } from './host/system-clock.ts';
import type { Limits } from './limits.ts';
import { checkInteger, checkPeers } from './options.ts';
import type { StoreId } from './paxos/membership.ts';
import type { Slot } from './paxos/slot.ts';
import type { Clock } from './ports/clock.ts';
import { silentLogger } from './ports/logger.ts';
import type { CommandCodec } from './ports/state-machine.ts';
import type { PeerAddress } from './ports/transport.ts';

const defaultTtlMs = 30_000;

/** The two halves of a replica, put together. */
export interface Halves {
  readonly application: LocalApplication;
  readonly engine: Engine;
  readonly store: StoreId;
  /** Closes log and transport, once the engine has stopped. */
  readonly close: () => Promise<void>;
}

export interface RunningParts<C, R> extends Halves {
  readonly events: Events;
  readonly codec: CommandCodec<C, R>;
  readonly limits: Limits;
}

/** What callers hold of a replica that runs. */
export class RunningReplica<C, R> implements Replica<C, R> {
  readonly id: number;
  readonly limits: Limits;
  readonly #options: ReplicaOptions<C, R>;
  readonly #parts: RunningParts<C, R>;
  readonly #calls: Calls<C, R>;
  readonly #clock: Clock;
  readonly #sessions = new Set<OwnSession<C, R>>();
  readonly relay: Relay;
  #closing: Promise<void> | undefined;

  constructor(options: ReplicaOptions<C, R>, parts: RunningParts<C, R>) {
    this.id = options.self;
    this.limits = parts.limits;
    this.#options = options;
    this.#parts = parts;
    const { application, codec } = parts;
    const { metrics } = application;
    this.#clock = options.clock ?? systemClock;
    const sample = (count: number): CommandSample | undefined => metrics.sample(count);
    const logger = options.logger ?? silentLogger;
    this.#calls = new Calls({ host: application, codec, clock: this.#clock, logger, sample });
    this.relay = new HostRelay(this.#calls);
    // A replica that ended by itself holds no lock and no port.
    parts.events.on('stopped', () => void this.close());
  }

  propose(command: C, options: CallOptions = {}): Promise<R> {
    return this.#calls.propose(command, options);
  }

  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options: { readonly timeoutMs?: number } = {},
  ): void {
    this.#calls.proposeMany(commands, results, options);
  }

  async openSession({
    ttlMs = defaultTtlMs,
    ...options
  }: SessionOptions = {}): Promise<Session<C, R>> {
    const id = await this.relay.open(ttlMs, options);
    const session = new OwnSession(id, ttlMs, this.#calls, this.relay, this.#clock);
    this.#sessions.add(session);
    session.ended.addEventListener('abort', () => this.#sessions.delete(session));
    if (this.#closing !== undefined) session.end(new ClosedError('the replica was closed'));
    return session;
  }

  async barrier(level: ReadLevel, options: CallOptions = {}): Promise<Slot> {
    const { application } = this.#parts;
    const deadlineMs = this.#calls.deadline(options.timeoutMs);
    if (level === 'local' && !application.isLoading) return application.progress.executedThrough;
    if (level === 'local') return application.barrierAtLeast(0, deadlineMs, options);
    if (level === 'linearizable') return application.barrier(deadlineMs, options);
    checkInteger('atLeast', level.atLeast, 0, Number.MAX_SAFE_INTEGER);
    return application.barrierAtLeast(level.atLeast, deadlineMs, options);
  }

  get executedThrough(): Slot {
    return this.#parts.application.progress.executedThrough;
  }

  executed({ from, signal }: ExecutedOptions = {}): AsyncIterable<ExecutedSlot<C>> {
    const { application, codec } = this.#parts;
    const first = from ?? this.executedThrough + 1;
    checkInteger('from', first, 1, Number.MAX_SAFE_INTEGER);
    if (codec.decodeCommand === undefined) {
      const why = 'has no decodeCommand, which a stream of executed commands needs';
      throw new InvalidOptionError('stateMachine.codec', why);
    }
    const decode = codec.decodeCommand.bind(codec);
    const options = { clock: this.#clock, decode, from: first, signal };
    return executedStream(application.progress.executed, options);
  }

  async bootstrap(
    members: readonly PeerAddress[],
    options: CallOptions = {},
  ): Promise<'formed' | 'already'> {
    const { membersMax } = this.limits;
    checkPeers('members', members, membersMax);
    checkInteger('members.length', members.length, 1, membersMax);
    if (!members.some(({ id }) => id === this.id)) {
      checkInteger('members: this replica’s own id', 0, 1, 65_535);
    }
    const { application, engine } = this.#parts;
    const deadlineMs = this.#calls.deadline(options.timeoutMs);
    application.mustRun();
    return engine.bootstrap(members, deadlineMs);
  }

  status(): ReplicaStatus {
    const { application, engine, store } = this.#parts;
    const { executedThrough, timeMs } = application.progress;
    const { commands, bytes } = application.pending;
    const status = engine.status();
    return {
      group: this.#options.group,
      self: this.id,
      store,
      ...status,
      // An engine on another thread was asked a little earlier.
      releasedThrough: Math.max(status.releasedThrough, executedThrough),
      executedThrough,
      timeMs,
      pendingCommands: commands,
      pendingBytes: bytes,
      counters: { ...status.counters, ...application.counters() },
    };
  }

  metrics({ reset = false }: { readonly reset?: boolean } = {}): ReplicaMetrics {
    const { application, engine } = this.#parts;
    const counters = { ...engine.counters(), ...application.counters() };
    return { ...application.metrics.snapshot(counters, reset), ...engine.measures(reset) };
  }

  on: Replica<C, R>['on'] = (event, listener) => this.#parts.events.on(event, listener);

  off: Replica<C, R>['off'] = (event, listener) => this.#parts.events.off(event, listener);

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { close, engine } = this.#parts;
    engine.stop();
    const why = new ClosedError('the replica that the session was opened on has ended');
    for (const session of this.#sessions) session.end(why);
    await close();
  }
}

import type {
  CallOptions,
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
import { ClosedError, type RslError } from './errors.ts';
import { Events } from './events.ts';
import { Calls } from './host/calls.ts';
import { Host } from './host/host.ts';
import type { CommandSample } from './host/metrics.ts';
import { OwnSession } from './host/own-session.ts';
import { HostRelay } from './host/relay.ts';
import { type Remembered, remember } from './host/recovery.ts';
import { statusOf } from './host/status.ts';
import { systemClock } from './host/system-clock.ts';
import { systemRandom } from './host/system-random.ts';
import type { Limits } from './limits.ts';
import { checkedOptions, checkInteger, checkPeers } from './options.ts';
import type { MakeProtocol } from './paxos/protocol.ts';
import { Replica as PaxosReplica } from './paxos/replica.ts';
import type { Slot } from './paxos/slot.ts';
import type { Clock } from './ports/clock.ts';
import type { LogStore } from './ports/log-store.ts';
import { silentLogger } from './ports/logger.ts';
import type { Port, PortContext } from './ports/port.ts';
import type { CommandCodec } from './ports/state-machine.ts';
import type { PeerAddress, Transport } from './ports/transport.ts';

const defaultTtlMs = 30_000;

/** Bytes as they are. */
const rawCodec: CommandCodec<Uint8Array, Uint8Array> = {
  encodeCommand: (command) => command,
  decodeResult: (bytes) => bytes,
};

/**
 * Starts one replica: opens its log and transport, executes what the log knows to be decided, and
 * joins the group, if this store is in one; otherwise it waits for `bootstrap`, on whichever
 * member. Rejects with RSL_INVALID_OPTION and with the errors of the ports; nothing stays open
 * then.
 */
export async function startReplica<C = Uint8Array, R = Uint8Array>(
  options: ReplicaOptions<C, R>,
): Promise<Replica<C, R>> {
  const { limits, timings, slow, skip } = checkedOptions(options);
  const { group, self, stateMachine } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const logger = options.logger ?? silentLogger;
  if (skip.size > 0) {
    const why = 'these slots are not executed: start every replica with the same ones';
    logger.warn({ skip: [...skip] }, why);
  }
  const context: PortContext = { group, self, limits, clock, random, logger };
  const events = new Events(logger, (run) => clock.soon(run));
  const { log, remembered } = await openLog(options.log, context);
  let transport: Transport | undefined;
  try {
    const { store } = remembered.info;
    const makeProtocol: MakeProtocol = (membership, restored) => {
      const { lease } = options;
      const shared = { self, store, limits, timings, random };
      const settings = lease === undefined ? shared : { ...shared, lease };
      return new PaxosReplica(membership, restored, settings, clock.nowMs());
    };
    transport = await options.transport.open(context);
    const opened = transport;
    const epoch = random.below(2 ** 47);
    const emit = events.emit.bind(events) as Events['emit'];
    const given = { group, self, limits, timings, slow, skip, clock, logger, stateMachine };
    const made = { log, remembered, makeProtocol, epoch, emit };
    const watchesSuspends = options.lease !== undefined;
    const host = new Host({ ...given, ...made, peers: options.peers ?? [], watchesSuspends });
    await host.start((on) => opened.open({ group, id: self, store, instance: epoch }, on));
    const codec = stateMachine.codec ?? (rawCodec as unknown as CommandCodec<C, R>);
    return new RunningReplica(options, {
      host,
      log,
      transport,
      events,
      codec,
      store,
      limits,
    });
  } catch (error) {
    await transport?.close();
    await log.close().catch(() => undefined);
    throw error;
  }
}

/** The log, and what it remembers. Copied files are another store from now on (S2, S2a). */
async function openLog(
  port: Port<LogStore>,
  context: PortContext,
): Promise<{ readonly log: LogStore; readonly remembered: Remembered }> {
  const log = await port.open(context);
  try {
    const remembered = await remember(log);
    const { copied, store } = remembered.info;
    if (copied === 'device') {
      context.logger.warn({ store }, 'the log is on another device than when it was made');
    }
    if (copied !== 'files') return { log, remembered };
    // Whoever has the original may vote with it.
    await log.renew();
    await log.close();
    context.logger.warn({ store }, 'copied files: from now on another store, without a vote');
  } catch (error) {
    await log.close().catch(() => undefined);
    throw error;
  }
  return openLog(port, context);
}

interface Parts<C, R> {
  readonly host: Host;
  readonly log: LogStore;
  readonly transport: Transport;
  readonly events: Events;
  readonly codec: CommandCodec<C, R>;
  readonly store: string;
  readonly limits: Limits;
}

class RunningReplica<C, R> implements Replica<C, R> {
  readonly id: number;
  readonly limits: Limits;
  readonly #options: ReplicaOptions<C, R>;
  readonly #parts: Parts<C, R>;
  readonly #calls: Calls<C, R>;
  readonly #clock: Clock;
  readonly #sessions = new Set<OwnSession<C, R>>();
  readonly relay: Relay;
  #closing: Promise<void> | undefined;

  constructor(options: ReplicaOptions<C, R>, parts: Parts<C, R>) {
    this.id = options.self;
    this.limits = parts.limits;
    this.#options = options;
    this.#parts = parts;
    const { host, codec } = parts;
    this.#clock = options.clock ?? systemClock;
    const sample = (count: number): CommandSample | undefined => host.metrics.sample(count);
    const logger = options.logger ?? silentLogger;
    this.#calls = new Calls({ host, codec, clock: this.#clock, logger, sample });
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
    const { host } = this.#parts;
    const deadlineMs = this.#calls.deadline(options.timeoutMs);
    if (level === 'local') return host.execution.executedThrough;
    if (level === 'linearizable') return host.barrier(deadlineMs, options);
    checkInteger('atLeast', level.atLeast, 0, Number.MAX_SAFE_INTEGER);
    return host.barrierAtLeast(level.atLeast, deadlineMs, options);
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
    return this.#parts.host.bootstrap(members, this.#calls.deadline(options.timeoutMs));
  }

  status(): ReplicaStatus {
    const { host, log, store } = this.#parts;
    return statusOf(this.#options.group, this.id, store, host, log.info());
  }

  metrics({ reset = false }: { readonly reset?: boolean } = {}): ReplicaMetrics {
    const { host } = this.#parts;
    return host.metrics.snapshot(host.countersNow(), reset);
  }

  on: Replica<C, R>['on'] = (event, listener) => this.#parts.events.on(event, listener);

  off: Replica<C, R>['off'] = (event, listener) => this.#parts.events.off(event, listener);

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { host, log, transport } = this.#parts;
    host.stop();
    const why = new ClosedError('the replica that the session was opened on has ended');
    for (const session of this.#sessions) session.end(why);
    await transport.close();
    await log.close().catch((error: RslError) => {
      this.#options.logger?.warn({ err: error }, 'the log did not close well');
    });
  }
}

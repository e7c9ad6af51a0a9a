import type { HostMessage } from '../codec/host-codec.ts';
import type { RslError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Limits, Slow, Timings } from '../limits.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership, ReplicaId } from '../paxos/membership.ts';
import type { DurableMessage } from '../paxos/messages.ts';
import type { MakeProtocol } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Endpoint, PeerAddress, PeerIdentity } from '../ports/transport.ts';
import { Barriers } from './barriers.ts';
import { Commands } from './commands.ts';
import { Counters } from './counters.ts';
import { Effects } from './effects.ts';
import { Execution } from './execution.ts';
import { Forming } from './forming.ts';
import { GroupCommit } from './group-commit.ts';
import { Leading } from './leading.ts';
import { MeasuredMachine, Metrics } from './metrics.ts';
import { Outbound } from './outbound.ts';
import { Proposals } from './proposals.ts';
import type { Remembered } from './recovery.ts';
import { Room } from './room.ts';
import { Serving } from './serving.ts';
import { SlowWarnings } from './slow.ts';
import { Standings } from './standing.ts';
import { SuspendWatch } from './suspend-watch.ts';

export interface HostOptions {
  readonly group: string;
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly timings: Timings;
  readonly slow: Slow;
  /** Slots whose batches are not executed. */
  readonly skip: ReadonlySet<Slot>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: LogStore;
  readonly remembered: Remembered;
  readonly stateMachine: StateMachine;
  readonly makeProtocol: MakeProtocol;
  readonly peers: readonly PeerAddress[];
  /** Random, 48 bits: this start. */
  readonly epoch: number;
  readonly emit: Emit;
  /** It asks for leases, which a machine that stood still must not rely on (Q2). */
  readonly watchesSuspends: boolean;
}

/** What the parts of a host tell it. */
export interface HostEvents {
  endpoint(): Endpoint | undefined;
  connected(): Iterable<PeerIdentity>;
  isStopped(): boolean;
  /** What it waited for is durable: it may leave. */
  reveal(to: ReplicaId, message: DurableMessage): void;
  persist(record: LogRecord, then: () => void): void;
  formed(membership: Membership): void;
  /** Its store is the newest that anybody knows: this start may be written down (S2a). */
  admit(): void;
  contradicted(position: number): void;
  fail(error: RslError): void;
}

export interface HostParts {
  readonly barriers: Barriers;
  readonly commands: Commands;
  readonly commit: GroupCommit;
  readonly counters: Counters;
  readonly effects: Effects;
  readonly execution: Execution;
  readonly forming: Forming;
  readonly leading: Leading;
  readonly metrics: Metrics;
  readonly outbound: Outbound;
  readonly proposals: Proposals;
  readonly room: Room;
  readonly standings: Standings;
  /** Undefined if it never asks for a lease. */
  readonly suspends: SuspendWatch | undefined;
}

/** What a host is made of, put together. */
export function partsOf(options: HostOptions, events: HostEvents): HostParts {
  const { self, limits, log, epoch, emit, logger, clock, skip, stateMachine } = options;
  const counters = new Counters();
  const slow = new SlowWarnings(options.slow, clock, logger, counters);
  const { slotsInFlightMax } = limits;
  const metrics = new Metrics(clock, slow, slotsInFlightMax, options.timings.tickMs);
  const outbound = new Outbound(() => events.endpoint());
  const send = (to: ReplicaId, message: HostMessage): void => outbound.host(to, message);
  const commit = new GroupCommit(
    log,
    ({ to, message }) => events.reveal(to, message),
    (error) => events.fail(error),
    metrics,
  );
  const serving = new Serving(
    log,
    (to, message) => outbound.message(to, message),
    (error) => {
      counters.count('readsOfTheLogFailed');
      logger.warn({ err: error }, 'the log could not be read for another replica');
    },
  );
  const proposals = new Proposals({ self, epoch, limits });
  const barriers = new Barriers(limits);
  const measured = new MeasuredMachine(stateMachine, clock, metrics);
  const execution = new Execution(measured, self, proposals, skip);
  const room = new Room(limits.logReserveBytes);
  const isStopped = (): boolean => events.isStopped();
  const leading = new Leading(emit);
  const does = { commit, outbound, execution, barriers, serving, log };
  const says = { counters, leading, logger, metrics, emit };
  return {
    barriers,
    commands: new Commands({ limits, clock, execution, proposals, send }),
    commit,
    counters,
    effects: new Effects({ ...does, ...says, isStopped }),
    execution,
    forming: formingOf(options, events, send),
    leading,
    metrics,
    outbound,
    proposals,
    room,
    standings: standingsOf(options, events, send, room),
    suspends: options.watchesSuspends ? new SuspendWatch(clock) : undefined,
  };
}

type SendHostMessage = (to: ReplicaId, message: HostMessage) => void;

function formingOf(options: HostOptions, events: HostEvents, send: SendHostMessage): Forming {
  const { membership, bootstrap, info } = options.remembered;
  const host = {
    name: options.group,
    self: { id: options.self, store: info.store },
    connected: () => events.connected(),
    send,
    persist: (record: LogRecord, then: () => void) => events.persist(record, then),
    peers: (peers: readonly PeerAddress[]) => events.endpoint()?.peers(peers),
    formed: (formed: Membership) => events.formed(formed),
    contradicted: () => events.contradicted(info.position + 1),
  };
  return new Forming(host, membership, bootstrap);
}

function standingsOf(
  options: HostOptions,
  events: HostEvents,
  send: SendHostMessage,
  room: Room,
): Standings {
  const { epoch, log, remembered, self, timings } = options;
  const { info, nonce, standings, starts } = remembered;
  const { store, position } = info;
  const host = {
    self: { id: self, store },
    found: { store, count: starts, nonce, position },
    now: () => ({ store, count: starts + 1, nonce: epoch, position: log.info().position }),
    connected: () => events.connected(),
    send,
    persist: (all: typeof standings) =>
      events.persist({ kind: 'standings', standings: all }, () => undefined),
    hasRoom: () => !room.isLow,
    admit: () => events.admit(),
    contradicted: (at: number) => events.contradicted(at),
  };
  return new Standings(host, timings.standingIntervalMs, standings);
}

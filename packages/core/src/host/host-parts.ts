import type { HostMessage } from '../codec/host-codec.ts';
import type { RslError } from '../errors.ts';
import type { Limits, Timings } from '../limits.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership, ReplicaId } from '../paxos/membership.ts';
import type { DurableMessage } from '../paxos/messages.ts';
import type { MakeProtocol } from '../paxos/protocol.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Endpoint, PeerAddress, PeerIdentity } from '../ports/transport.ts';
import { Commands } from './commands.ts';
import { Effects } from './effects.ts';
import { Forming } from './forming.ts';
import { GroupCommit } from './group-commit.ts';
import type { Application } from './halves.ts';
import type { Measures } from './measures.ts';
import { Outbound } from './outbound.ts';
import type { Remembered } from './recovery.ts';
import { Room } from './room.ts';
import { Serving } from './serving.ts';
import { Standings } from './standing.ts';
import { SuspendWatch } from './suspend-watch.ts';

export interface HostOptions extends Measures {
  readonly group: string;
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly timings: Timings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: LogStore;
  readonly remembered: Remembered;
  readonly application: Application;
  readonly makeProtocol: MakeProtocol;
  readonly peers: readonly PeerAddress[];
  /** Random, 48 bits: this start. */
  readonly epoch: number;
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
  readonly commands: Commands;
  readonly commit: GroupCommit;
  readonly effects: Effects;
  readonly forming: Forming;
  readonly outbound: Outbound;
  readonly room: Room;
  readonly standings: Standings;
  /** Undefined if it never asks for a lease. */
  readonly suspends: SuspendWatch | undefined;
}

/** What a host is made of, put together. */
export function partsOf(options: HostOptions, events: HostEvents): HostParts {
  const { application, clock, counters, limits, log, logger, metrics } = options;
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
  const room = new Room(limits.logReserveBytes);
  const isStopped = (): boolean => events.isStopped();
  const does = { application, commit, outbound, serving, log };
  const { commands: proposals, progress: execution } = application;
  return {
    commands: new Commands({ limits, clock, execution, proposals, send }),
    commit,
    effects: new Effects({ ...does, counters, logger, metrics, isStopped }),
    forming: formingOf(options, events, send),
    outbound,
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

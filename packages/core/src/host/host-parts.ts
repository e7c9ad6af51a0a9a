import type { HostMessage } from '../codec/host-codec.ts';
import type { RslError } from '../errors.ts';
import type { Limits, Timings } from '../limits.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership, ReplicaId } from '../paxos/membership.ts';
import type { Message } from '../paxos/messages.ts';
import type { MakeProtocol, Protocol } from '../paxos/protocol.ts';
import type { Clock } from '../ports/clock.ts';
import type { LayerCodec } from '../ports/layer.ts';
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
import { Rhythm } from './rhythm.ts';
import { Room } from './room.ts';
import { Serving } from './serving.ts';
import { Standings } from './standing.ts';
import { Sleep } from './sleep.ts';
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
  /** By their channels. */
  readonly layers: ReadonlyMap<number, LayerCodec>;
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
  /** To whom it is for, itself among them; what had to be durable before is. */
  reveal(to: ReplicaId, message: Message): void;
  persist(record: LogRecord, then: () => void): void;
  formed(membership: Membership): void;
  /** Its store is the newest that anybody knows: this start may be written down (S2a). */
  admit(): void;
  contradicted(position: number): void;
  fail(error: RslError): void;
  protocol(): Protocol | undefined;
  /** No input waits for the protocol. */
  hasInputs(): boolean;
  /** A turn with a tick is due. */
  tick(): void;
  woken(): void;
  /** Something is to be done: whoever sleeps wakes. */
  stir(): void;
}

export interface HostParts {
  readonly commands: Commands;
  readonly commit: GroupCommit;
  readonly effects: Effects;
  readonly forming: Forming;
  readonly outbound: Outbound;
  readonly rhythm: Rhythm;
  readonly room: Room;
  readonly sleep: Sleep;
  readonly standings: Standings;
  /** Undefined if it never asks for a lease. */
  readonly suspends: SuspendWatch | undefined;
}

/** What a host is made of, put together. */
export function partsOf(options: HostOptions, events: HostEvents): HostParts {
  const { application, clock, counters, layers, limits, log, logger, metrics } = options;
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
    (to, message) => events.reveal(to, message),
    (error) => {
      counters.count('readsOfTheLogFailed');
      logger.warn({ err: error }, 'the log could not be read for another replica');
    },
  );
  const room = new Room(limits.logReserveBytes);
  const isStopped = (): boolean => events.isStopped();
  const does = { application, commit, layers, outbound, serving, log };
  const { commands: proposals, progress: execution } = application;
  const commands = new Commands({ limits, clock, execution, proposals, send });
  const standings = standingsOf(options, events, send, room);
  const rhythm = rhythmOf(options, events, commands);
  return {
    commands,
    commit,
    effects: new Effects({ ...does, counters, logger, metrics, isStopped }),
    forming: formingOf(options, events, send),
    outbound,
    rhythm,
    room,
    sleep: sleepOf(options, events, send, { commands, commit, rhythm, room, standings }),
    standings,
    suspends: options.watchesSuspends ? new SuspendWatch(clock) : undefined,
  };
}

type SendHostMessage = (to: ReplicaId, message: HostMessage) => void;

function rhythmOf(options: HostOptions, events: HostEvents, commands: Commands): Rhythm {
  const { clock, counters, metrics, timings } = options;
  const host = {
    protocol: () => events.protocol(),
    tick: () => events.tick(),
    woken: () => events.woken(),
    due: () => events.stir(),
  };
  return new Rhythm(host, { clock, tickMs: timings.tickMs, commands, counters, metrics });
}

function sleepOf(
  { application, clock, self, timings }: HostOptions,
  events: HostEvents,
  send: SendHostMessage,
  parts: Pick<HostParts, 'commands' | 'commit' | 'rhythm' | 'room' | 'standings'>,
): Sleep {
  const { commands, commit, rhythm, room, standings } = parts;
  const isSettled = (): boolean => commands.isIdle && commit.isIdle && standings.isAdmitted;
  const host = {
    self,
    nowMs: () => clock.nowMs(),
    protocol: () => events.protocol(),
    connected: () => events.connected(),
    send,
    isQuiet: () => application.isIdle && isSettled() && !events.hasInputs() && !room.isLow,
    wrapUp: () => standings.wrapUp(clock.nowMs()),
    fellAsleep: () => rhythm.fellAsleep(),
    woke: () => rhythm.woke(),
  };
  return new Sleep(host, timings);
}

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

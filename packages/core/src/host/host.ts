import type { CallOptions, ManyResults } from '../api.ts';
import type { HostMessage } from '../codec/host-codec.ts';
import { ClosedError, type RslError, StorageError } from '../errors.ts';
import type { Limits, Timings } from '../limits.ts';
import type { Input } from '../paxos/input.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import { type Membership, nowhere, type ReplicaId } from '../paxos/membership.ts';
import type { DurableMessage } from '../paxos/messages.ts';
import type { MakeProtocol, Protocol } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Endpoint, PeerAddress, PeerIdentity, TransportEvents } from '../ports/transport.ts';
import { Barriers } from './barriers.ts';
import { Commands } from './commands.ts';
import { Counters } from './counters.ts';
import { Effects, type Emit } from './effects.ts';
import { Execution } from './execution.ts';
import { Forming } from './forming.ts';
import { GroupCommit } from './group-commit.ts';
import { receive } from './inbound.ts';
import { carriesValues, Outbound } from './outbound.ts';
import { Proposals } from './proposals.ts';
import { asRslError } from './as-rsl-error.ts';
import { type Remembered, restore } from './recovery.ts';
import { Room } from './room.ts';
import { Serving } from './serving.ts';

export interface HostOptions {
  readonly group: string;
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly timings: Timings;
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
}

/** The only loop: inputs in, effects out, a turn at a time. It performs and decides nothing. */
export class Host implements TransportEvents {
  readonly #options: HostOptions;
  readonly #clock: Clock;
  readonly #outbound = new Outbound(() => this.#endpoint);
  readonly #commit: GroupCommit;
  readonly #proposals: Proposals;
  readonly #commands: Commands;
  readonly #barriers: Barriers;
  readonly #forming: Forming;
  readonly #room: Room;
  readonly execution: Execution;
  readonly #connected = new Map<ReplicaId, PeerIdentity>();
  readonly #counters = new Counters();
  readonly #effects: Effects;
  #endpoint: Endpoint | undefined;
  #protocol: Protocol | undefined;
  #membership: Membership = nowhere;
  #inputs: Input[] = [];
  #executedTold: Slot = 0;
  #turnDue = false;
  #tickDue = false;
  #stopTicks: (() => void) | undefined;
  #stopped = false;
  #failure: RslError | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    const { self, limits, log, epoch, remembered, clock } = options;
    this.#clock = clock;
    this.#commit = new GroupCommit(
      log,
      ({ to, message }) => this.#reveal(to, message),
      (error) => this.fail(error),
    );
    const serving = new Serving(
      log,
      (to, message) => this.#outbound.message(to, message),
      (error) => {
        this.#counters.count('readsOfTheLogFailed');
        options.logger.warn({ err: error }, 'the log could not be read for another replica');
      },
    );
    this.#proposals = new Proposals({ self, epoch, limits });
    const send = (to: ReplicaId, message: HostMessage): void => this.#outbound.host(to, message);
    this.#barriers = new Barriers(limits);
    this.#room = new Room(limits.logReserveBytes);
    const { stateMachine } = options;
    this.execution = new Execution(stateMachine, self, this.#proposals);
    const { execution } = this;
    const proposals = this.#proposals;
    this.#effects = new Effects({
      commit: this.#commit,
      outbound: this.#outbound,
      execution,
      barriers: this.#barriers,
      serving,
      log,
      counters: this.#counters,
      logger: options.logger,
      emit: options.emit,
      isStopped: () => this.#stopped,
    });
    this.#commands = new Commands({ limits, clock, stateMachine, execution, proposals, send });
    const { membership, bootstrap } = remembered;
    this.#forming = new Forming(
      {
        name: options.group,
        self: { id: self, store: remembered.info.store },
        connected: () => this.#connected.values(),
        send,
        persist: (record, then) => this.#persist(record, then),
        peers: (peers) => this.#endpoint?.peers(peers),
        formed: (formed) => this.#onFormed(formed),
      },
      membership,
      bootstrap,
    );
  }

  get protocol(): Protocol | undefined {
    return this.#protocol;
  }

  get membership(): Membership {
    return this.#membership;
  }

  get failure(): RslError | undefined {
    return this.#failure;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  get pending(): { readonly commands: number; readonly bytes: number } {
    return { commands: this.#proposals.pendingCount, bytes: this.#proposals.pendingBytes };
  }

  isConnected(id: ReplicaId, store: string): boolean {
    return this.#connected.get(id)?.store === store;
  }

  /** Executes what the log has, marks the start, then runs. */
  async start(open: (events: TransportEvents) => Endpoint): Promise<void> {
    const { log, remembered, epoch, timings, peers } = this.#options;
    await restore(log, remembered.restored, this.#options.stateMachine, this.execution);
    const start: LogRecord = { kind: 'start', count: remembered.starts + 1, nonce: epoch };
    await new Promise<void>((resolve, reject) => {
      log.append([start], (error) => (error === undefined ? resolve() : reject(error)));
    });
    this.#endpoint = open(this);
    this.#endpoint.peers(peers.filter(({ id }) => id !== this.#options.self));
    if (remembered.membership !== undefined) this.#onFormed(remembered.membership);
    this.#stopTicks = this.#clock.everyMs(timings.tickMs, () => {
      this.#tickDue = true;
      this.#schedule();
    });
  }

  // ---- callers

  propose(commands: readonly Uint8Array[], sink: ManyResults, deadlineMs: number): number {
    this.#mustRun();
    if (this.#room.isLow && this.#protocol?.view.role === 'phase2') throw noRoom();
    const first = this.#proposals.add(commands, sink, deadlineMs);
    this.#schedule();
    return first;
  }

  cancel(sequence: number, reason: unknown): void {
    this.#proposals.cancel(sequence, reason);
  }

  barrier(deadlineMs: number, options: CallOptions): Promise<Slot> {
    this.#mustRun();
    const promise = this.#barriers.add(deadlineMs, options.signal);
    this.#schedule();
    return promise;
  }

  bootstrap(members: readonly PeerAddress[], deadlineMs: number): Promise<'formed' | 'already'> {
    this.#mustRun();
    return this.#forming.bootstrap(members, deadlineMs);
  }

  // ---- transport

  frame(from: PeerIdentity, bytes: Uint8Array): void {
    if (this.#stopped) return;
    const { membersMax } = this.#options.limits;
    const received = receive(from, bytes, this.#outbound.envelope, this.#membership, membersMax);
    if (received.to === 'nobody') return this.#counters.count(received.why);
    if (received.to === 'host') return this.#onHostMessage(from, received.message);
    if (this.#isLogFull && carriesValues(received.message))
      return this.#counters.count('framesWhileLogIsFull');
    this.#inputs.push({ kind: 'message', from: from.id, message: received.message });
    this.#schedule();
  }

  peer(peer: PeerIdentity, up: boolean): void {
    if (this.#stopped) return;
    if (up) this.#connected.set(peer.id, peer);
    else this.#connected.delete(peer.id);
    this.#options.emit('peer', { id: peer.id, up });
  }

  drain(): void {
    this.#schedule();
  }

  // ---- the loop

  #schedule(): void {
    if (this.#turnDue || this.#stopped) return;
    this.#turnDue = true;
    this.#clock.soon(() => {
      this.#turnDue = false;
      if (!this.#stopped) this.#guarded(() => this.#turn());
    });
  }

  /** Whatever the protocol, a contract or the state machine throws ends this replica, no other. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(asRslError(error));
    }
  }

  #turn(): void {
    if (this.#tickDue) this.#tick();
    const read = this.#protocol === undefined ? undefined : this.#barriers.take();
    if (read !== undefined) this.#inputs.push({ kind: 'read', read });
    this.#drainInputs();
    const protocol = this.#protocol;
    if (protocol !== undefined) {
      if (!this.#isLogFull) {
        this.#commands.pump(protocol, (value) => this.#step({ kind: 'propose', value }));
      }
      this.#step({ kind: 'turn-end' });
      this.#drainInputs();
      this.#commands.acknowledge();
    }
    this.#commit.flush();
    this.#outbound.turnEnd();
  }

  /** The disk is behind, or full: nothing more is taken in that would have to be written. */
  get #isLogFull(): boolean {
    const { logQueueBytesMax } = this.#options.limits;
    return this.#room.isSpent || this.#commit.pendingBytes > logQueueBytesMax;
  }

  #tick(): void {
    this.#tickDue = false;
    const nowMs = this.#clock.nowMs();
    this.#proposals.expire(nowMs);
    for (const read of this.#barriers.expire(nowMs))
      this.#inputs.push({ kind: 'forget-read', read });
    this.#forming.onTick(nowMs, this.#options.timings.whereIntervalMs);
    if (this.#room.look(this.#options.log.info().bytesFree)) {
      this.#inputs.push({ kind: 'storage', full: this.#room.isLow });
    }
    this.#inputs.push({ kind: 'tick' });
  }

  /** Effects may bring inputs of their own: a message to itself, a slot executed. */
  #drainInputs(): void {
    for (;;) {
      const inputs = this.#inputs;
      if (inputs.length === 0) {
        const through = this.execution.executedThrough;
        if (this.#protocol === undefined || through <= this.#executedTold) return;
        this.#executedTold = through;
        this.#step({ kind: 'executed', through });
        continue;
      }
      this.#inputs = [];
      for (const input of inputs) this.#step(input);
    }
  }

  #step(input: Input): void {
    const protocol = this.#protocol;
    if (protocol === undefined || this.#stopped) return;
    for (const effect of protocol.step(input, this.#clock.nowMs())) this.#effects.perform(effect);
  }

  // ---- what comes in beside the protocol

  #onHostMessage(from: PeerIdentity, message: HostMessage): void {
    if (message.kind === 'forward' || message.kind === 'forward-ack') {
      this.#commands.onMessage(from.id, message);
      return this.#schedule();
    }
    this.#guarded(() => this.#forming.onMessage(from, message));
  }

  #reveal(to: ReplicaId, message: DurableMessage): void {
    if (this.#stopped) return;
    if (to !== this.#options.self) return this.#outbound.message(to, message);
    this.#inputs.push({ kind: 'message', from: to, message });
    this.#schedule();
  }

  #persist(record: LogRecord, then: () => void): void {
    this.#options.log.append([record], (error) => {
      if (this.#stopped) return;
      if (error !== undefined) this.fail(error);
      else this.#guarded(then);
    });
  }

  #onFormed(membership: Membership): void {
    const { remembered, self, makeProtocol } = this.#options;
    this.#membership = membership;
    this.#outbound.configure(membership);
    this.#endpoint?.peers(membership.members.filter((m) => m.id !== self));
    this.#protocol = makeProtocol(membership, remembered.restored);
    this.#executedTold = this.execution.executedThrough;
    this.#options.emit('configuration', { membership });
    this.#schedule();
  }

  // ---- the end

  /** Ends at once, with a reason (S4): nothing is said or written any more. */
  fail(error: RslError): void {
    if (this.#stopped) return;
    this.#failure = error;
    this.#options.logger.error({ code: error.code, err: error }, 'the replica stops');
    this.stop();
  }

  /** Ends what waits. The log and the transport are closed by whoever opened them. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopTicks?.();
    this.#endpoint?.close();
    this.#inputs = [];
    this.#connected.clear();
    this.#proposals.closeAll(this.#failure);
    this.#barriers.closeAll(this.#failure);
    this.#forming.close(new ClosedError('the replica ended before the group was formed'));
    this.#options.emit('stopped', { error: this.#failure });
  }

  #mustRun(): void {
    if (!this.#stopped) return;
    const why = this.#failure === undefined ? 'was closed' : `stopped: ${this.#failure.message}`;
    throw new ClosedError(`the replica ${why}`, { cause: this.#failure });
  }

  countersNow(): Record<string, number> {
    const { sent, dropped } = this.#outbound;
    const { commands, voids } = this.execution;
    const appends = this.#commit.appends;
    const { counts } = this.#counters;
    return { ...counts, framesSent: sent, framesDropped: dropped, appends, commands, voids };
  }
}

const noRoom = (): StorageError =>
  new StorageError(
    'RSL_STORAGE_FULL',
    'the log has no room for more commands; make room where it is kept, it goes on by itself',
  );

import type { HostMessage } from '../codec/host-codec.ts';
import { ClosedError, OldCopyError, type RslError } from '../errors.ts';
import type { Input } from '../paxos/input.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import { type Founding, type Membership, nowhere, type ReplicaId } from '../paxos/membership.ts';
import type { Message } from '../paxos/messages.ts';
import type { Protocol, Restored } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { LayerAnswer } from '../ports/layer.ts';
import type { Endpoint, PeerAddress, PeerIdentity, TransportEvents } from '../ports/transport.ts';
import type { Application, Engine, EngineMeasures, EngineStatus } from './halves.ts';
import { takeHostMessage } from './host-messages.ts';
import { type HostOptions, type HostParts, partsOf } from './host-parts.ts';
import { receive } from './inbound.ts';
import { carriesValues } from './outbound.ts';
import { asRslError } from './as-rsl-error.ts';
import { countersOf, engineStatusOf } from './status.ts';

/**
 * The only loop: inputs in, effects out, a turn at a time. It performs and decides nothing. It is
 * the engine of a replica; see `halves.ts` for the other half.
 */
export class Host implements Engine, TransportEvents {
  readonly #options: HostOptions;
  readonly #clock: Clock;
  readonly #application: Application;
  readonly #parts: HostParts;
  readonly #connected = new Map<ReplicaId, PeerIdentity>();
  #endpoint: Endpoint | undefined;
  #protocol: Protocol | undefined;
  #membership: Membership = nowhere;
  #inputs: Input[] = [];
  /** What layers heard from their other halves before there was a protocol. */
  readonly #early: Input[] = [];
  #restored: Restored;
  #executedTold: Slot = 0;
  #turnDue = false;
  #tickDue = false;
  #stopped = false;
  #renewing = false;
  #failure: RslError | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#application = options.application;
    this.#restored = options.remembered.restored;
    this.#parts = partsOf(options, {
      endpoint: () => this.#endpoint,
      connected: () => this.#connected.values(),
      isStopped: () => this.#stopped,
      reveal: (to, message) => this.#reveal(to, message),
      persist: (record, then) => this.#persist(record, then),
      formed: (membership) => this.#onFormed(membership),
      admit: () => this.#admit(),
      contradicted: (position) => this.#onOldCopy(position),
      fail: (error) => this.fail(error),
      protocol: () => this.#protocol,
      hasInputs: () => this.#inputs.length > 0,
      tick: () => this.#tickComes(),
      woken: () => this.#inputs.push({ kind: 'woken' }),
      stir: () => this.wake(),
    });
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

  /** The progress that its protocol goes by: what it has been told. */
  get executedThrough(): Slot {
    return this.#application.progress.executedThrough;
  }

  get isAsleep(): boolean {
    return this.#parts.sleep.isAsleep;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  isConnected(id: ReplicaId, store: string): boolean {
    return this.#connected.get(id)?.store === store;
  }

  /** Its application has executed what is `restored`. */
  start(open: (events: TransportEvents) => Endpoint, restored: Restored): void {
    const { remembered, peers } = this.#options;
    this.#restored = restored;
    this.#endpoint = open(this);
    this.#endpoint.peers(peers.filter(({ id }) => id !== this.#options.self));
    if (remembered.membership !== undefined) this.#onFormed(remembered.membership);
    this.#parts.rhythm.begin();
  }

  // ---- the application

  wake(): void {
    if (this.#stopped) return;
    this.#parts.sleep.stir();
    this.#schedule();
  }

  /** Runs once everything that was released before is in the log. */
  whenDurable(run: () => void): void {
    this.#parts.commit.whenDurable(() => {
      if (!this.#stopped) run();
    });
    this.#schedule();
  }

  get refusesCommands(): boolean {
    return this.#parts.room.isLow && this.#protocol?.view.role === 'phase2';
  }

  /** Its application has the state of a backup; before `start`. */
  readonly foundOn = (founding: Founding): void => this.#parts.forming.foundOn(founding);

  bootstrap(members: readonly PeerAddress[], deadlineMs: number): Promise<'formed' | 'already'> {
    return this.#parts.forming.bootstrap(members, deadlineMs);
  }

  // ---- transport

  frame(from: PeerIdentity, bytes: Uint8Array): void {
    if (this.#stopped) return;
    const { membersMax } = this.#options.limits;
    const received = receive(
      from,
      bytes,
      this.#parts.outbound.envelope,
      this.#membership,
      membersMax,
      this.#options.layers,
    );
    if (received.to === 'nobody') return this.#options.counters.count(received.why);
    if (received.to === 'host') return this.#onHostMessage(from, received.message);
    if (received.to === 'layer') {
      const { channel, message } = received;
      return this.#bring({ kind: 'layer-message', channel, from: from.id, message });
    }
    if (this.#isLogFull && carriesValues(received.message))
      return this.#options.counters.count('framesWhileLogIsFull');
    this.#parts.sleep.onMessage(from.id, received.message.kind);
    this.#inputs.push({ kind: 'message', from: from.id, message: received.message });
    this.#schedule();
  }

  answer(channel: number, answer: LayerAnswer): void {
    if (this.#stopped) return;
    const input = { kind: 'layer-answer', channel, answer } as const;
    if (this.#protocol === undefined) this.#early.push(input);
    else this.#bring(input);
  }

  /** Something for a layer: whoever sleeps wakes. */
  #bring(input: Input): void {
    this.#parts.sleep.stir();
    this.#inputs.push(input);
    this.#schedule();
  }

  peer(peer: PeerIdentity, up: boolean): void {
    if (this.#stopped) return;
    this.wake();
    if (up) {
      this.#connected.set(peer.id, peer);
      this.#parts.standings.onPeer(peer);
    } else this.#connected.delete(peer.id);
    if (this.#options.layers.size > 0 && this.#protocol !== undefined)
      this.#inputs.push({ kind: 'connection', with: peer.id, up });
    this.#application.emit('peer', { id: peer.id, up });
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

  #tickComes(): void {
    this.#tickDue = true;
    this.#schedule();
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
    const isTick = this.#tickDue;
    if (isTick) this.#tick();
    const read = this.#protocol === undefined ? undefined : this.#application.takeRead();
    if (read !== undefined) this.#inputs.push({ kind: 'read', read });
    this.#drainInputs();
    const protocol = this.#protocol;
    if (protocol !== undefined) {
      if (!this.#isLogFull) {
        this.#parts.commands.pump(protocol, (value) => {
          this.#parts.sleep.stir();
          this.#step({ kind: 'propose', value });
          this.#options.metrics.proposed(protocol.view.proposedThrough);
        });
      }
      this.#step({ kind: 'turn-end' });
      this.#drainInputs();
      this.#parts.commands.acknowledge();
    }
    this.#parts.commit.flush();
    this.#parts.sleep.settle();
    this.#parts.outbound.turnEnd();
    this.#application.turnEnds();
    if (isTick) this.#options.metrics.turnEnded();
  }

  /** The disk is behind, or full: nothing more is taken in that would have to be written. */
  get #isLogFull(): boolean {
    const { logQueueBytesMax } = this.#options.limits;
    return this.#parts.room.isSpent || this.#parts.commit.pendingBytes > logQueueBytesMax;
  }

  #tick(): void {
    this.#tickDue = false;
    const nowMs = this.#clock.nowMs();
    this.#options.metrics.turnBegan(nowMs);
    for (const read of this.#application.expire(nowMs))
      this.#inputs.push({ kind: 'forget-read', read });
    this.#parts.forming.onTick(nowMs, this.#options.timings.whereIntervalMs);
    this.#parts.standings.onTick(nowMs);
    const canTake = !this.#isLogFull && !this.#parts.room.isLow;
    this.#parts.commands.onTick(this.#protocol, canTake, nowMs);
    if (this.#parts.room.look(this.#options.log.info().bytesFree)) {
      this.#inputs.push({ kind: 'storage', full: this.#parts.room.isLow });
    }
    if (this.#parts.sleep.onTick(nowMs)) this.#inputs.push({ kind: 'tick' });
  }

  /** Effects may bring inputs of their own: a message to itself, a slot executed. */
  #drainInputs(): void {
    for (;;) {
      const inputs = this.#inputs;
      if (inputs.length === 0) {
        const through = this.#application.progress.executedThrough;
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
    const { effects, suspends } = this.#parts;
    const { metrics } = this.#options;
    const nowMs = suspends?.nowMs() ?? this.#clock.nowMs();
    metrics.nowMs = nowMs;
    if (suspends?.take()) {
      this.#options.counters.count('suspends');
      for (const effect of protocol.step({ kind: 'suspended' }, nowMs)) effects.perform(effect);
    }
    for (const effect of protocol.step(input, nowMs)) effects.perform(effect);
  }

  // ---- what comes in beside the protocol

  #onHostMessage(from: PeerIdentity, message: HostMessage): void {
    const guarded = (run: () => void): void => this.#guarded(run);
    const follows = takeHostMessage(this.#parts, from, message, guarded);
    if (follows === 'stir') this.wake();
    else if (follows === 'turn') this.#schedule();
  }

  #reveal(to: ReplicaId, message: Message): void {
    if (this.#stopped || this.#renewing) return;
    if (to !== this.#options.self) return this.#parts.outbound.message(to, message);
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
    const { remembered, self } = this.#options;
    this.#membership = membership;
    this.#parts.outbound.configure(membership);
    this.#endpoint?.peers(membership.members.filter((m) => m.id !== self));
    this.#application.emit('configuration', { membership });
    this.#parts.standings.begin(membership, remembered.info.created);
  }

  /** Nobody remembers more of its store: it marks the start, then takes part (S2a). */
  #admit(): void {
    const { epoch: nonce, remembered } = this.#options;
    this.#persist({ kind: 'start', count: remembered.starts + 1, nonce }, () => {
      this.#parts.standings.onAdmitted();
      if (!this.#renewing) this.#begin();
    });
  }

  #begin(): void {
    const { layers, makeProtocol } = this.#options;
    this.#protocol = makeProtocol(this.#membership, this.#restored);
    this.#executedTold = this.#application.progress.executedThrough;
    this.#inputs.push(...this.#early.splice(0));
    if (layers.size > 0) {
      for (const id of this.#connected.keys())
        this.#inputs.push({ kind: 'connection', with: id, up: true });
    }
    if (this.#parts.room.isLow) this.#inputs.push({ kind: 'storage', full: true });
    this.#schedule();
  }

  /** What this store promised later is forgotten here: from now on it is another store (S2). */
  #onOldCopy(position: number): void {
    if (this.#renewing) return;
    this.#renewing = true;
    this.#protocol = undefined;
    this.#application.leading.end();
    const { log, remembered } = this.#options;
    const error = new OldCopyError(remembered.info.position, position);
    log.renew().then(
      () => this.fail(error),
      (failure: unknown) => this.fail(asRslError(failure)),
    );
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
    this.#parts.rhythm.end();
    if (this.#failure === undefined) this.#parts.standings.close();
    this.#endpoint?.close();
    this.#inputs = [];
    this.#connected.clear();
    this.#application.leading.end();
    this.#application.close(this.#failure);
    this.#parts.forming.close(new ClosedError('the replica ended before the group was formed'));
    this.#application.emit('stopped', { error: this.#failure });
  }

  // ---- what it tells of itself

  status(): EngineStatus {
    return engineStatusOf(this.#options.self, this, this.#options.log.info());
  }

  /** In its application's metrics: they share them. */
  measures(): EngineMeasures | undefined {
    return undefined;
  }

  counters(): Record<string, number> {
    return countersOf(this.#options.counters, this.#parts);
  }
}

import type { Lane, ReplicaId } from '@rsl/core/protocol';
import { invariant, requires } from '@rsl/contracts';
import type { HostPort } from './address.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { Dialer } from './dialer.ts';
import { WireViolation } from './framing.ts';
import { type Greeting, refusalOf } from './handshake.ts';
import { noteRefusal, refuse, welcome, welcomeFault } from './introduction.ts';
import { Link } from './link.ts';
import type { PeerHost } from './peer-host.ts';

/** A hello that waits until it is clear whether there is room for it. */
interface Candidate {
  readonly connection: Connection;
  readonly hello: Greeting;
  readonly deadlineMs: number;
}

const lastingMs = 1_000;

/**
 * The link to one peer. Exactly one stands between two replicas, whoever dials:
 *
 * 1. Each side dials every peer whose address it knows and to which it has no link, at once and
 *    then after growing waits. So a newcomer whom nobody knows comes in, and a replica that starts
 *    again does not wait for anybody's wait to end. Frames go both ways over any link.
 * 2. The side that dials opens the votes lane, and once that is welcomed, the bulk lane. A link is
 *    decided by its votes lane alone; the bulk lane follows it or dies with it.
 * 3. A hello is welcomed if there is no link. When both dial at once, the hello of the higher id
 *    wins: the lower one drops its own attempt for it, and the higher one lets the other's hello
 *    wait until its own attempt has succeeded or failed. An attempt whose hello has not left yet
 *    always gives way, for nobody can have accepted it. An attempt that fails lets the waiting
 *    hello in, so a wrong or one-way address on one side locks nobody out.
 * 4. A hello that comes while a link stands means one of three things: the peer has lost it and
 *    we have not noticed, or its hello is an old one, or a twin uses its id. The hello waits and
 *    the link is asked for a sign of life: if it answers, the hello is refused; if it does not,
 *    in `probeTimeoutMs`, or breaks, the hello is welcomed. Only a later link that the same
 *    instance dialed replaces the earlier one at once: its own maker says that it is gone.
 */
export class Peer implements ConnectionOwner<Connection> {
  readonly id: ReplicaId;
  readonly #host: PeerHost;
  readonly #dialer: Dialer;
  #link: Link | undefined;
  #candidate: Candidate | undefined;
  #closed = false;

  constructor(id: ReplicaId, host: PeerHost) {
    requires(() => id !== host.local.id, 'tcp-5 nobody is a peer of itself');
    this.id = id;
    this.#host = host;
    this.#dialer = new Dialer(id, host, this);
  }

  /** Keep a link with it, from now on, at this address. */
  want(address: HostPort): void {
    if (this.#dialer.isAimedAt(address)) return;
    this.#attemptFailed('its address has changed');
    this.#dialer.aim(address);
    this.#dialIfDue();
  }

  /** A link that the other side dialed stays; ours ends when it has nothing more to send. */
  unwant(): void {
    this.#dialer.aim(undefined);
    this.#attemptFailed('it is no longer wanted');
  }

  /** Nothing is known of it that is worth keeping. */
  get forgettable(): boolean {
    const { address, attempt } = this.#dialer;
    return (address ?? attempt ?? this.#link ?? this.#candidate) === undefined;
  }

  send(lane: Lane, parts: readonly Uint8Array[]): boolean {
    return this.#link?.send(lane, parts) ?? false;
  }

  get queuedBytes(): number {
    return this.#link?.queuedBytes ?? 0;
  }

  /** A peer has dialed us, and its hello is meant for this replica. */
  offered(connection: Connection, hello: Greeting): void {
    connection.owner = this;
    if (hello.lane === 'bulk') this.#offeredBulk(connection, hello);
    else this.#offeredVotes(connection, hello);
  }

  tick(): void {
    const nowMs = this.#nowMs;
    const attemptEndsMs = this.#dialer.attempt?.deadlineMs ?? Infinity;
    if (nowMs >= attemptEndsMs) this.#attemptFailed('no answer in time');
    const why = this.#link?.tick(nowMs) ?? this.#noLongerWanted();
    if (why !== undefined) this.#linkBroke(why);
    if (this.#candidate !== undefined && nowMs >= this.#candidate.deadlineMs) {
      this.#dropCandidate()?.finish();
    }
    this.#dialIfDue();
  }

  /** Sends what is queued, then closes. No event comes after it. */
  close(): void {
    this.#closed = true;
    this.#dialer.aim(undefined);
    this.#dialer.drop();
    this.#candidate?.connection.close();
    this.#link?.finish();
    this.#candidate = this.#link = undefined;
  }

  // What a connection says to its owner.

  greeted(connection: Connection, greeting: Greeting): void {
    const { attempt } = this.#dialer;
    const lane = connection === attempt?.connection ? 'votes' : 'bulk';
    if (greeting.kind === 'refusal') {
      this.#refused(connection, refusalOf(greeting.reason) ?? `reason ${greeting.reason}`);
      return;
    }
    const number = attempt?.number ?? this.#link?.number ?? 0;
    const fault = welcomeFault(greeting, this.#host.local, { id: this.id, lane, number });
    if (fault !== undefined) this.#refused(connection, fault);
    else if (lane === 'votes') this.#votesWelcomed(connection, greeting);
    else this.#bulkWelcomed(connection, greeting);
  }

  frame(frame: Uint8Array): void {
    const link = this.#link;
    if (link?.isUp !== true) throw new WireViolation('early', 'a frame before both lanes');
    this.#host.frame(link.peer, frame);
  }

  alive(): void {
    const candidate = this.#candidate;
    const link = this.#link;
    if (candidate === undefined || link === undefined) return;
    this.#candidate = undefined;
    const { hello, connection } = candidate;
    refuse(connection, hello, link.isWith(hello) ? 'connected' : 'duplicate-id', this.#host);
  }

  room(): void {
    if (this.#link?.isUp === true) this.#host.room(this.id);
  }

  closed(connection: Connection, why: string): void {
    if (connection === this.#candidate?.connection) this.#dropCandidate();
    else if (connection === this.#dialer.attempt?.connection) this.#attemptFailed(why);
    else if (this.#link?.uses(connection) === true) this.#linkBroke(why);
  }

  // Dialing.

  #dialIfDue(): void {
    if (this.#link === undefined && !this.#closed) this.#dialer.tryIfDue();
  }

  #votesWelcomed(votes: Connection, welcome: Greeting): void {
    const { address } = this.#dialer;
    if (this.#dialer.succeeded() === undefined || address === undefined) return;
    // The other side is up before we are; what it sends on this lane has to wait for the other.
    votes.startFrames(welcome.frameBytesMax);
    votes.pause();
    const link = new Link('ours', votes, welcome, this.#handshakeDeadline());
    this.#link = link;
    link.bulk = this.#dialer.dialLane(address, 'bulk', link.number, () => {});
  }

  #bulkWelcomed(bulk: Connection, welcome: Greeting): void {
    const link = this.#link;
    if (link === undefined || link.bulk !== bulk) return;
    if (!link.isWith(welcome)) {
      this.#linkBroke('another replica answered on the bulk lane');
      return;
    }
    bulk.startFrames(welcome.frameBytesMax);
    this.#cameUp(link);
    link.votes.resume();
  }

  #refused(connection: Connection, reason: string): void {
    const error = noteRefusal(this.id, connection.remote, reason, this.#host);
    connection.close();
    this.closed(connection, error.message);
  }

  #attemptFailed(why: string): void {
    this.#dialer.fail(why);
    this.#letIn();
  }

  // Being dialed.

  #offeredVotes(connection: Connection, hello: Greeting): void {
    const link = this.#link;
    if (link === undefined) {
      const ourTurn = this.#dialer.attempt?.asked === true && this.#host.local.id > this.id;
      if (ourTurn) this.#wait(connection, hello);
      else this.#welcome(connection, hello);
      return;
    }
    if (link.isWith(hello) && !link.ours && hello.link > link.number) {
      this.#linkBroke('its maker dialed a new one', 'keep-candidate');
      this.#welcome(connection, hello);
    } else {
      this.#wait(connection, hello);
    }
  }

  #offeredBulk(connection: Connection, hello: Greeting): void {
    const link = this.#link;
    if (link?.isContinuedBy(hello) !== true) {
      refuse(connection, hello, 'no-such-link', this.#host);
      return;
    }
    link.bulk = connection;
    welcome(connection, hello, this.#host);
    this.#cameUp(link);
  }

  #wait(connection: Connection, hello: Greeting): void {
    const waiting = this.#candidate;
    if (waiting !== undefined) {
      const { store, instance } = waiting.hello;
      if (store !== hello.store || instance !== hello.instance) {
        refuse(connection, hello, 'busy', this.#host);
        return;
      }
      waiting.connection.close();
    }
    this.#candidate = { connection, hello, deadlineMs: this.#handshakeDeadline() };
    if (this.#link?.isUp === true)
      this.#link.votes.probe(this.#host.around.settings.probeTimeoutMs);
  }

  #welcome(votes: Connection, hello: Greeting): void {
    invariant(
      () => this.#link === undefined || this.#closed,
      'tcp-6 a peer has one link at a time',
    );
    if (this.#closed) {
      votes.close();
      return;
    }
    this.#dialer.drop();
    this.#link = new Link('theirs', votes, hello, this.#handshakeDeadline());
    welcome(votes, hello, this.#host);
  }

  #letIn(): void {
    const candidate = this.#candidate;
    if (candidate === undefined || this.#link !== undefined) return;
    this.#candidate = undefined;
    this.#welcome(candidate.connection, candidate.hello);
  }

  #dropCandidate(): Connection | undefined {
    const connection = this.#candidate?.connection;
    this.#candidate = undefined;
    this.#link?.votes.cancelProbe();
    return connection;
  }

  // The life of a link.

  #cameUp(link: Link): void {
    link.cameUp(this.#nowMs);
    const { around, local } = this.#host;
    const { remote } = link.votes;
    around.counters.add('links');
    around.log.info({ group: local.group, peer: this.id, remote, dialed: link.ours }, 'peer is up');
    this.#host.up(link.peer);
    if (this.#candidate !== undefined && this.#link === link)
      link.votes.probe(around.settings.probeTimeoutMs);
  }

  #linkBroke(why: string, then?: 'keep-candidate'): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    link.close();
    this.#dialer.wait(link.upForMs(this.#nowMs) >= lastingMs ? 'lasted' : 'failed');
    if (link.isUp) {
      const { around, local } = this.#host;
      around.log.info({ group: local.group, peer: this.id, why }, 'peer is down');
      this.#host.down(link.peer);
    }
    if (then === undefined) this.#letIn();
  }

  #noLongerWanted(): string | undefined {
    const unwanted = this.#dialer.address === undefined;
    const over = unwanted && this.#link?.ours === true && this.#link.isUp;
    return over && this.#link?.queuedBytes === 0 ? 'no longer wanted' : undefined;
  }

  get #nowMs(): number {
    return this.#host.around.time.nowMs;
  }

  #handshakeDeadline(): number {
    return this.#nowMs + this.#host.around.settings.handshakeTimeoutMs;
  }
}

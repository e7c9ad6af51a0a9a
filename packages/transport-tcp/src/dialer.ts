import type { Lane, ReplicaId } from '@rsl/core/protocol';
import { invariant } from '@rsl/contracts';
import type { HostPort } from './address.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { dial } from './dial.ts';
import { encodeGreeting, GreetingReader } from './handshake.ts';
import { greetingOf } from './introduction.ts';
import type { PeerHost } from './peer-host.ts';

/** A votes lane of ours that the other side has not welcomed yet. */
export interface Attempt {
  readonly number: number;
  readonly connection: Connection;
  readonly deadlineMs: number;
  /** Our hello has left: the other side may have accepted it. */
  asked: boolean;
}

/** Our own way to one peer: where it is, when to try, and the attempt that is under way. */
export class Dialer {
  readonly #to: ReplicaId;
  readonly #host: PeerHost;
  readonly #owner: ConnectionOwner<Connection>;
  readonly #backoff: Backoff;
  #address: HostPort | undefined;
  #attempt: Attempt | undefined;
  #dueMs = 0;

  constructor(to: ReplicaId, host: PeerHost, owner: ConnectionOwner<Connection>) {
    this.#to = to;
    this.#host = host;
    this.#owner = owner;
    const { settings, random } = host.around;
    const { reconnectDelayMsMin, reconnectDelayMsMax } = settings;
    this.#backoff = new Backoff(reconnectDelayMsMin, reconnectDelayMsMax, random);
  }

  get address(): HostPort | undefined {
    return this.#address;
  }

  get attempt(): Attempt | undefined {
    return this.#attempt;
  }

  isAimedAt(address: HostPort): boolean {
    return this.#address?.host === address.host && this.#address.port === address.port;
  }

  /** A new address is due at once. */
  aim(address: HostPort | undefined): void {
    this.#address = address;
    this.#backoff.reset();
    this.#dueMs = this.#nowMs;
  }

  /** Begins an attempt if one is due. */
  tryIfDue(): void {
    if (this.#address === undefined || this.#attempt !== undefined) return;
    if (this.#nowMs < this.#dueMs) return;
    const { around } = this.#host;
    const number = around.nextLink();
    const attempt: Attempt = {
      number,
      deadlineMs: this.#nowMs + around.settings.handshakeTimeoutMs,
      asked: false,
      connection: this.dialLane(this.#address, 'votes', number, () => {
        attempt.asked = true;
      }),
    };
    this.#attempt = attempt;
    around.counters.add('dials');
  }

  /** The next attempt comes after a wait; the first one again if the last link lasted. */
  wait(lasted: 'lasted' | 'failed'): void {
    if (lasted === 'lasted') this.#backoff.reset();
    this.#dueMs = this.#nowMs + this.#backoff.next();
  }

  /** The attempt has become a link. */
  succeeded(): Attempt | undefined {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    return attempt;
  }

  /** The attempt gives way to a link that the other side dials. */
  drop(): Attempt | undefined {
    const attempt = this.succeeded();
    attempt?.connection.close();
    return attempt;
  }

  /** The attempt, if there is one, ends without a link. */
  fail(why: string): void {
    const attempt = this.drop();
    if (attempt === undefined) return;
    this.wait('failed');
    const { around, local } = this.#host;
    const { remote } = attempt.connection;
    const fields = { group: local.group, peer: this.#to, remote, why };
    const subject = `${local.group} ${this.#to} ${remote} dial`;
    around.log.quietly('info', subject, fields, 'could not connect; trying again');
  }

  /**
   * Connects and says hello. A name is resolved anew each time, so that a replica may move to
   * another machine under its name.
   */
  dialLane(address: HostPort, lane: Lane, link: number, asked: () => void): Connection {
    invariant(() => this.#attempt === undefined, 'tcp-12 one attempt at a time');
    const { around, limits, local } = this.#host;
    const hello = greetingOf(local, limits, { kind: 'hello', lane, link, asked: this.#to });
    const speech = { limits, newReader: () => new GreetingReader() };
    return dial(address, speech, around, this.#owner, (connection) => {
      connection.greet(encodeGreeting(hello));
      asked();
    });
  }

  get #nowMs(): number {
    return this.#host.around.time.nowMs;
  }
}

import { invariant } from '@rsl/contracts';
import { formatAddress, type HostPort } from './address.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { dial } from './dial.ts';
import { encodeGreeting, type Greeting, GreetingReader, refusalOf } from './handshake.ts';
import { greetingOf, type LinkSurroundings, noteRefusal, welcomeFault } from './introduction.ts';
import type { Link } from './link.ts';

/** A votes lane of ours that the other side has not welcomed yet. */
interface Attempt {
  readonly number: number;
  readonly connection: Connection;
  readonly deadlineMs: number;
}

/** Somebody who wants to reach whoever is at an address. */
export interface WayUser {
  /** There is a link that leads there; told once for each `need`. */
  linked(link: Link): void;
}

/** What a way needs to know of its transport, and tells it. */
export interface WayHost {
  readonly linking: LinkSurroundings;
  /** Our hello was welcomed; gives the link that leads there from now on. */
  welcomed(votes: Connection, welcome: Greeting, address: HostPort): Link | undefined;
  /** The link to a process, if one stands. */
  linkTo(process: string): Link | undefined;
}

/**
 * The way to one address, for all groups that name it: when to dial, the attempt under way, and the
 * link that leads there. It is dialed while somebody needs it.
 */
export class Way implements ConnectionOwner<Connection> {
  readonly address: HostPort;
  readonly #host: WayHost;
  readonly #backoff: Backoff;
  readonly #users = new Set<WayUser>();
  /** Users who have no link yet. */
  readonly #needy = new Set<WayUser>();
  #attempt: Attempt | undefined;
  #link: Link | undefined;
  #dueMs: number;

  constructor(address: HostPort, host: WayHost) {
    this.address = address;
    this.#host = host;
    const { settings, random, time } = host.linking.around;
    const { reconnectDelayMsMin, reconnectDelayMsMax } = settings;
    this.#backoff = new Backoff(reconnectDelayMsMin, reconnectDelayMsMax, random);
    this.#dueMs = time.nowMs;
  }

  /** From now on the way is kept. */
  hold(user: WayUser): void {
    this.#users.add(user);
  }

  release(user: WayUser): void {
    this.#users.delete(user);
    this.#needy.delete(user);
    if (this.#users.size === 0) this.close();
  }

  get isWanted(): boolean {
    return this.#users.size > 0;
  }

  /** Tells the user as soon as there is a link. */
  need(user: WayUser): void {
    this.#needy.add(user);
    if (this.#link?.isUp === true) this.#tell();
    else this.#tryIfDue();
  }

  tick(): void {
    const endsMs = this.#attempt?.deadlineMs ?? Infinity;
    if (this.#nowMs >= endsMs) this.#failed('no answer in time');
    this.#tryIfDue();
  }

  /** A link has both its lanes now. */
  linkCameUp(link: Link): void {
    if (link === this.#link) this.#tell();
  }

  linkBroke(link: Link, lasted: 'lasted' | 'failed'): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    if (lasted === 'lasted') this.#backoff.reset();
    this.#dueMs = this.#nowMs + this.#backoff.next();
  }

  /** Drops its attempt. A link goes on as long as somebody uses it. */
  close(): void {
    this.#attempt?.connection.close();
    this.#attempt = undefined;
  }

  // What the connection of an attempt says to its owner.

  greeted(connection: Connection, greeting: Greeting): void {
    const attempt = this.#attempt;
    if (attempt?.connection !== connection) return;
    if (greeting.kind === 'refusal') {
      this.#refused(connection, greeting);
      return;
    }
    const fault = welcomeFault(greeting, { lane: 'votes', number: attempt.number });
    if (fault !== undefined) {
      noteRefusal(connection.remote, fault, this.#host.linking.around);
      this.#failed(`it answered: ${fault}`);
      return;
    }
    this.#attempt = undefined;
    this.#leadsTo(this.#host.welcomed(connection, greeting, this.address));
  }

  frame(): void {}

  alive(): void {}

  closed(connection: Connection, why: string): void {
    if (this.#attempt?.connection === connection) this.#failed(why);
  }

  #tryIfDue(): void {
    const { around, limits } = this.#host.linking;
    if (this.#needy.size === 0 || this.#attempt !== undefined || this.#link !== undefined) return;
    if (this.#nowMs < this.#dueMs) return;
    const number = around.nextLink();
    const deadlineMs = this.#nowMs + around.settings.handshakeTimeoutMs;
    const connection = dialLane(this.address, 'votes', number, { around, limits }, this);
    invariant(() => this.#attempt === undefined, 'tcp-12 one attempt at a time');
    this.#attempt = { number, connection, deadlineMs };
    around.counters.add('dials');
  }

  #refused(connection: Connection, { reason, process }: Greeting): void {
    const name = refusalOf(reason) ?? `reason ${reason}`;
    const { around } = this.#host.linking;
    noteRefusal(connection.remote, name, around);
    const link = name === 'connected' ? this.#host.linkTo(process) : undefined;
    if (link === undefined) {
      this.#failed(`refused: ${name}`);
      return;
    }
    // Another address of that process, or it dialed us: now it is known that this way leads there.
    this.close();
    this.#leadsTo(link);
  }

  #leadsTo(link: Link | undefined): void {
    this.#link = link;
    if (link?.isUp === true) this.#tell();
  }

  #tell(): void {
    const link = this.#link;
    if (link === undefined) return;
    const needy = [...this.#needy];
    this.#needy.clear();
    for (const user of needy) user.linked(link);
  }

  #failed(why: string): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.close();
    this.#dueMs = this.#nowMs + this.#backoff.next();
    const { log } = this.#host.linking.around;
    const { remote } = attempt.connection;
    log.quietly('info', `${remote} dial`, { remote, why }, 'could not connect; trying again');
  }

  get #nowMs(): number {
    return this.#host.linking.around.time.nowMs;
  }
}

/** Connects and says hello. A name is resolved anew each time, so that whoever has it may move. */
export function dialLane(
  address: HostPort,
  lane: 'votes' | 'bulk',
  link: number,
  { around, limits }: LinkSurroundings,
  owner: ConnectionOwner<Connection>,
): Connection {
  const hello = greetingOf(around, limits, { kind: 'hello', lane, link });
  const speech = { limits, newReader: () => new GreetingReader() };
  return dial(address, speech, around, owner, (connection) => {
    connection.greet(encodeGreeting(hello));
  });
}

export const wayName = (address: HostPort): string => formatAddress(address);

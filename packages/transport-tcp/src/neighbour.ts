import { invariant } from '@rsl/contracts';
import type { HostPort } from './address.ts';
import type { Offer, ProbeOwner } from './channel.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { encodeGreeting, type Greeting, refusalOf } from './handshake.ts';
import { greetingOf, type LinkSurroundings, refuse, welcomeFault } from './introduction.ts';
import { Link, type LinkHost } from './link.ts';
import type { Surroundings } from './surroundings.ts';
import { dialLane } from './way.ts';

/** A hello that waits until it is clear whether the link lives. */
interface Candidate {
  readonly connection: Connection;
  readonly hello: Greeting;
  readonly deadlineMs: number;
}

/** What a neighbour tells its transport. */
export interface NeighbourHost {
  readonly linking: LinkSurroundings;
  linkCameUp(link: Link): void;
  linkBroke(link: Link): void;
  offered(offer: Offer): void;
}

/**
 * Another process, and the link to it. One stands between two processes, whoever dials, and
 * carries all groups that both have:
 *
 * 1. Each side dials every address that one of its groups needs and that is not known to lead to
 *    a link, at once and then after growing waits. Frames go both ways over any link.
 * 2. The side that dials opens the votes lane, and once that is welcomed, the bulk lane. A link is
 *    decided by its votes lane alone; the bulk lane follows it or dies with it.
 * 3. A hello is welcomed if there is no link to its process. Nobody knows whom an address leads to
 *    before the answer, so two who dial at once may welcome each other. Then both know both
 *    processes, and that of the greater name wins: the lesser drops its own, which has no bulk
 *    lane yet, and the greater drops the other's.
 * 4. A hello that comes while a link stands means that its process has another address of ours, or
 *    has lost the link and we have not noticed. It waits, and the link is asked for a sign of
 *    life: if it answers, the hello is refused as connected, and whoever said it knows now where
 *    its address leads; if it does not, in `probeTimeoutMs`, or breaks, the hello is welcomed.
 */
export class Neighbour implements ConnectionOwner<Connection>, LinkHost, ProbeOwner {
  /** The name of its life. */
  readonly process: string;
  readonly #host: NeighbourHost;
  #link: Link | undefined;
  #candidate: Candidate | undefined;

  constructor(process: string, host: NeighbourHost) {
    this.process = process;
    this.#host = host;
  }

  get around(): Surroundings {
    return this.#host.linking.around;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  /** Nothing is known of it that is worth keeping. */
  get forgettable(): boolean {
    return this.#link === undefined && this.#candidate === undefined;
  }

  /** It has dialed us. */
  offeredLane(connection: Connection, hello: Greeting): void {
    connection.owner = this;
    if (hello.lane === 'bulk') this.#offeredBulk(connection, hello);
    else if (this.#link === undefined) this.#welcome(connection, hello);
    else this.#wait(connection, hello);
  }

  /** It has welcomed our votes lane; gives the link that stands now. */
  welcomed(votes: Connection, welcome: Greeting, address: HostPort): Link {
    const standing = this.#link;
    if (standing !== undefined && !standing.ours && this.around.process() < this.process) {
      votes.close();
      if (standing.isUp) standing.probe(this);
      return standing;
    }
    // What waits goes on waiting, for the new one.
    const candidate = this.#candidate;
    this.#candidate = undefined;
    standing?.end('its other side has welcomed another one');
    this.#candidate = candidate;
    // The other side is up before we are; what it sends on this lane has to wait for the other.
    const link = this.#begin('ours', votes, welcome.link);
    votes.startFrames(welcome.frameBytesMax, link.control);
    votes.pause();
    link.bulk = dialLane(address, 'bulk', link.number, this.#host.linking, link);
    return link;
  }

  tick(): void {
    const { nowMs } = this.around.time;
    this.#link?.tick(nowMs);
    if (this.#candidate !== undefined && nowMs >= this.#candidate.deadlineMs) {
      this.#dropCandidate()?.finish();
    }
  }

  /** Sends what is queued, then closes. */
  close(): void {
    this.#candidate?.connection.close();
    this.#link?.finish();
    this.#candidate = this.#link = undefined;
  }

  // What a connection that waits says to its owner.

  greeted(): void {}

  frame(): void {}

  closed(connection: Connection): void {
    if (connection === this.#candidate?.connection) this.#dropCandidate();
  }

  // What a link says.

  /** Of the link: it lives. */
  alive(): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    this.#candidate = undefined;
    refuse(candidate.connection, candidate.hello, 'connected', this.#host.linking);
  }

  cameUp(link: Link): void {
    const { counters, log } = this.around;
    counters.add('links');
    log.debug({ remote: link.votes.remote, dialed: link.ours }, 'a link is up');
    this.#host.linkCameUp(link);
    if (this.#candidate !== undefined && this.#link === link) link.probe(this);
  }

  broke(link: Link, why: string): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.around.log.debug({ remote: link.votes.remote, why }, 'a link has ended');
    this.#host.linkBroke(link);
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    this.#candidate = undefined;
    this.#welcome(candidate.connection, candidate.hello);
  }

  bulkRefused(link: Link, bulk: Connection, greeting: Greeting): string | undefined {
    if (greeting.kind === 'refusal') {
      return `${bulk.remote} refused: ${refusalOf(greeting.reason) ?? greeting.reason}`;
    }
    if (greeting.process !== this.process) return 'another process answered on the bulk lane';
    return welcomeFault(greeting, { lane: 'bulk', number: link.number });
  }

  offered(offer: Offer): void {
    this.#host.offered(offer);
  }

  // Being dialed.

  #offeredBulk(connection: Connection, hello: Greeting): void {
    const link = this.#link;
    const fits = link?.ours === false && link.lacksBulk && link.number === hello.link;
    if (link === undefined || !fits) {
      refuse(connection, hello, 'no-such-link', this.#host.linking);
      return;
    }
    link.bulk = connection;
    this.#sayWelcome(connection, hello, link);
    link.cameUp();
  }

  #wait(connection: Connection, hello: Greeting): void {
    this.#candidate?.connection.close();
    const { time, settings } = this.around;
    const deadlineMs = time.nowMs + settings.handshakeTimeoutMs;
    this.#candidate = { connection, hello, deadlineMs };
    if (this.#link?.isUp === true) this.#link.probe(this);
  }

  #welcome(votes: Connection, hello: Greeting): void {
    this.#sayWelcome(votes, hello, this.#begin('theirs', votes, hello.link));
  }

  #begin(whose: 'ours' | 'theirs', votes: Connection, number: number): Link {
    invariant(() => this.#link === undefined, 'tcp-6 one link to a process');
    const { time, settings } = this.around;
    const link = new Link(whose, votes, number, this, time.nowMs + settings.handshakeTimeoutMs);
    this.#link = link;
    return link;
  }

  /** Says yes; frames may follow. */
  #sayWelcome(connection: Connection, hello: Greeting, link: Link): void {
    const { lane, link: number, frameBytesMax } = hello;
    const { limits } = this.#host.linking;
    const answer = greetingOf(this.around, limits, { kind: 'welcome', lane, link: number });
    connection.greet(encodeGreeting(answer));
    connection.startFrames(frameBytesMax, link.control);
  }

  #dropCandidate(): Connection | undefined {
    const connection = this.#candidate?.connection;
    this.#candidate = undefined;
    this.#link?.cancelProbe(this);
    return connection;
  }
}

import type { Limits } from '@rsl/core';
import type { HostPort } from './address.ts';
import type { Offer } from './channel.ts';
import type { Connection } from './connection.ts';
import type { Greeting } from './handshake.ts';
import type { LinkSurroundings } from './introduction.ts';
import type { Link } from './link.ts';
import { Neighbour, type NeighbourHost } from './neighbour.ts';
import type { Surroundings } from './surroundings.ts';
import { Way, type WayHost, type WayUser, wayName } from './way.ts';

/** Whoever may have something to do as time passes. */
export interface Ticked {
  tick(): 'rests' | 'goes-on';
}

/** A link that lasted so long is no failure when it breaks. */
export const lastingMs = 1_000;

/** All other processes that a transport has links with, and the ways to them. */
export class Neighbours implements NeighbourHost, WayHost {
  readonly linking: LinkSurroundings;
  readonly offered: (offer: Offer) => void;
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #ways = new Map<string, Way>();
  readonly #restless = new Set<Ticked>();

  constructor(around: Surroundings, limits: Limits, offered: (offer: Offer) => void) {
    this.linking = { around, limits };
    this.offered = offered;
  }

  /** The way to an address, the same for all who name it alike; it is kept for its user. */
  wayTo(address: HostPort, user: WayUser): Way {
    const name = wayName(address);
    const way = this.#ways.get(name) ?? new Way(address, this);
    this.#ways.set(name, way);
    way.hold(user);
    return way;
  }

  /** A process has dialed us, and may. */
  offeredLane(connection: Connection, hello: Greeting): void {
    this.#neighbour(hello.process).offeredLane(connection, hello);
  }

  /** Ticks it from now on, until it has nothing more to do. */
  attend(ticked: Ticked): void {
    this.#restless.add(ticked);
  }

  tick(): void {
    for (const [name, way] of this.#ways) {
      if (way.isWanted) way.tick();
      else this.#ways.delete(name);
    }
    for (const [process, neighbour] of this.#neighbours) {
      neighbour.tick();
      if (neighbour.forgettable) this.#neighbours.delete(process);
    }
    for (const ticked of this.#restless)
      if (ticked.tick() === 'rests') this.#restless.delete(ticked);
  }

  /** Sends what is queued, then closes every link. */
  close(): void {
    for (const way of this.#ways.values()) way.close();
    for (const neighbour of this.#neighbours.values()) neighbour.close();
    this.#ways.clear();
    this.#neighbours.clear();
  }

  // What ways and neighbours say.

  welcomed(votes: Connection, welcome: Greeting, address: HostPort): Link {
    return this.#neighbour(welcome.process).welcomed(votes, welcome, address);
  }

  linkTo(process: string): Link | undefined {
    return this.#neighbours.get(process)?.link;
  }

  linkCameUp(link: Link): void {
    for (const way of this.#ways.values()) way.linkCameUp(link);
  }

  linkBroke(link: Link): void {
    const lasted = link.upForMs(this.linking.around.time.nowMs) >= lastingMs ? 'lasted' : 'failed';
    for (const way of this.#ways.values()) way.linkBroke(link, lasted);
  }

  #neighbour(process: string): Neighbour {
    const known = this.#neighbours.get(process);
    if (known !== undefined) return known;
    const neighbour = new Neighbour(process, this);
    this.#neighbours.set(process, neighbour);
    return neighbour;
  }
}

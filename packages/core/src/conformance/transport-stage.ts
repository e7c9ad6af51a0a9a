import assert from 'node:assert/strict';
import type { Limits } from '../limits.ts';
import type { Addresses, ReplicaId, StoreId } from '../paxos/membership.ts';
import type { Endpoint, Lane, LocalIdentity, PeerIdentity, Transport } from '../ports/transport.ts';

/** A transport, for one case, and where it is. */
export interface OpenedTransport {
  readonly transport: Transport;
  /** How peers name it, for example `{ tcp: '127.0.0.1:7001' }`. */
  readonly addresses: Addresses;
}

/**
 * Opens one more transport. All that one case opens can reach each other. `limits` are those that
 * the case needs to differ from the defaults. The case closes what it opened.
 */
export type OpenTransports = (limits?: Partial<Limits>) => Promise<OpenedTransport>;

export type Seen =
  | { readonly kind: 'up' | 'down'; readonly peer: PeerIdentity }
  | { readonly kind: 'frame'; readonly peer: PeerIdentity; readonly bytes: Uint8Array }
  | { readonly kind: 'drain'; readonly to: ReplicaId };

/** One process that serves one group, and all that its transport told it. */
export interface Actor {
  readonly local: LocalIdentity;
  readonly transport: Transport;
  readonly addresses: Addresses;
  readonly endpoint: Endpoint;
  readonly seen: Seen[];
}

export interface Identity {
  readonly group?: string;
  readonly id: ReplicaId;
  readonly store?: StoreId;
  readonly instance?: number;
}

const deadlineMs = 20_000;

/** Lets everything happen that is waiting now. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Looks again and again; fails with `what` after a deadline that only a broken transport meets. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  while (!holds()) {
    assert.ok(performance.now() < giveUpMs, `not within ${deadlineMs} ms: ${what}`);
    await turn();
  }
}

/** What the actors of one case stand on; it is cleared away when the case ends. */
export class Stage {
  readonly #open: OpenTransports;
  readonly #transports: Transport[] = [];
  #instances = 0;

  constructor(open: OpenTransports) {
    this.#open = open;
  }

  async transport(limits?: Partial<Limits>): Promise<OpenedTransport> {
    const opened = await this.#open(limits);
    this.#transports.push(opened.transport);
    return opened;
  }

  /** Serves a group on a transport of its own, or on one that is given. */
  async actor(
    identity: Identity,
    on?: { readonly limits?: Partial<Limits>; readonly opened?: OpenedTransport },
  ): Promise<Actor> {
    const { transport, addresses } = on?.opened ?? (await this.transport(on?.limits));
    this.#instances += 1;
    const local: LocalIdentity = {
      group: identity.group ?? 'stage',
      id: identity.id,
      store: identity.store ?? storeOf(identity.id),
      instance: identity.instance ?? this.#instances,
    };
    const seen: Seen[] = [];
    // `slice` copies plain bytes; that of a Buffer does not, and a transport must not give one.
    const endpoint = transport.open(local, {
      frame: (peer, frame) => seen.push({ kind: 'frame', peer, bytes: frame.slice() }),
      peer: (peer, up) => seen.push({ kind: up ? 'up' : 'down', peer }),
      drain: (to) => seen.push({ kind: 'drain', to }),
    });
    return { local, transport, addresses, endpoint, seen };
  }

  async pair(limits?: Partial<Limits>): Promise<readonly [Actor, Actor]> {
    const on = limits === undefined ? {} : { limits };
    const one = await this.actor({ id: 1 }, on);
    const two = await this.actor({ id: 2 }, on);
    introduce(one, two);
    await connected(one, two);
    return [one, two];
  }

  async clear(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}

export const storeOf = (id: ReplicaId): StoreId => id.toString(16).padStart(16, '0');

/** Each of the actors is told to keep a connection with all others. */
export function introduce(...actors: readonly Actor[]): void {
  for (const actor of actors) knows(actor, ...actors.filter((other) => other !== actor));
}

export function knows(actor: Actor, ...others: readonly Actor[]): void {
  actor.endpoint.peers(others.map(({ local, addresses }) => ({ id: local.id, addresses })));
}

/** Up and not down again. */
export function isUp(actor: Actor, id: ReplicaId): boolean {
  const last = actor.seen.findLast(
    (event) => (event.kind === 'up' || event.kind === 'down') && event.peer.id === id,
  );
  return last?.kind === 'up';
}

export async function connected(one: Actor, two: Actor): Promise<void> {
  await until(
    () => isUp(one, two.local.id) && isUp(two, one.local.id),
    `${one.local.id} and ${two.local.id} are connected`,
  );
}

export function framesOf(actor: Actor, from?: ReplicaId): Uint8Array[] {
  return actor.seen.flatMap((event) =>
    event.kind === 'frame' && (from === undefined || event.peer.id === from) ? [event.bytes] : [],
  );
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A frame that says which one it is, and its number again. */
export function numbered(n: number): Uint8Array {
  return bytesOf(String(n).padStart(8, '0'));
}

export function numberOf(frame: Uint8Array): number {
  return Number(textOf(frame.subarray(0, 8)));
}

/** Sends a text until it is queued and waits until it has arrived. */
export async function exchanged(
  from: Actor,
  to: Actor,
  text: string,
  lane: Lane = 'votes',
): Promise<void> {
  const arrived = (): boolean => framesOf(to, from.local.id).some((f) => textOf(f) === text);
  let queued = false;
  await until(() => {
    queued ||= from.endpoint.send(to.local.id, lane, [bytesOf(text)]);
    return queued && arrived();
  }, `'${text}' goes from ${from.local.id} to ${to.local.id}`);
}

/** Enough turns for anything that was going to happen: others have exchanged frames meanwhile. */
export async function meanwhile(one: Actor, two: Actor, times = 50): Promise<void> {
  for (let i = 0; i < times; i++) {
    await exchanged(one, two, `meanwhile ${i}`);
    await exchanged(two, one, `meanwhile ${i}`);
  }
}

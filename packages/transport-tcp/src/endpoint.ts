import type { Limits } from '@rsl/core';
import type {
  Endpoint,
  Lane,
  LocalIdentity,
  PeerAddress,
  PeerIdentity,
  ReplicaId,
  TransportEvents,
} from '@rsl/core/protocol';
import { parseAddress } from './address.ts';
import type { Offer } from './channel.ts';
import type { Neighbours, Ticked } from './neighbours.ts';
import { Peer, type PeerHost } from './peer.ts';
import type { Surroundings } from './surroundings.ts';

/** One group's part of a transport: its peers, by id. */
export class TcpEndpoint implements Endpoint, PeerHost, Ticked {
  readonly local: LocalIdentity;
  readonly limits: Limits;
  readonly around: Surroundings;
  readonly neighbours: Neighbours;
  readonly #on: TransportEvents;
  readonly #whenClosed: () => void;
  readonly #peers = new Map<ReplicaId, Peer>();
  /** Whoever a send was refused to: a drain is due when there is room, or when it is up again. */
  readonly #refused = new Set<ReplicaId>();
  /** Peers that are to be ticked. */
  readonly #restless = new Set<Peer>();
  #closed = false;

  constructor(
    local: LocalIdentity,
    on: TransportEvents,
    limits: Limits,
    neighbours: Neighbours,
    whenClosed: () => void,
  ) {
    this.local = local;
    this.limits = limits;
    this.neighbours = neighbours;
    this.around = neighbours.linking.around;
    this.#on = on;
    this.#whenClosed = whenClosed;
  }

  peers(peers: readonly PeerAddress[]): void {
    if (this.#closed) return;
    const wanted = new Set(peers.map(({ id }) => id));
    for (const peer of this.#peers.values()) if (!wanted.has(peer.id)) peer.unwant();
    for (const { id, addresses } of peers) {
      if (id === this.local.id) continue;
      const text = addresses['tcp'];
      const address = text === undefined ? undefined : parseAddress(text);
      if (address !== undefined && address.port !== 0) {
        this.#peerOf(id).want(address);
        continue;
      }
      // The address came from a membership, not from our caller: it may still dial us.
      this.#peers.get(id)?.unwant();
      this.around.log.quietly(
        'warn',
        `${this.local.group} ${id} address`,
        { group: this.local.group, peer: id, address: text },
        'a peer has no TCP address that can be dialed; waiting for it to dial',
      );
    }
  }

  send(to: ReplicaId, lane: Lane, parts: readonly Uint8Array[]): boolean {
    if (this.#peers.get(to)?.send(lane, parts) === true) return true;
    if (!this.#closed) this.#refused.add(to);
    return false;
  }

  queuedBytes(to: ReplicaId): number {
    return this.#peers.get(to)?.queuedBytes ?? 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    this.#restless.clear();
    this.#refused.clear();
    this.#whenClosed();
  }

  /** A join for this replica. */
  offered(offer: Offer): void {
    this.#peerOf(offer.peer.id).offered(offer);
  }

  tick(): 'rests' | 'goes-on' {
    for (const peer of this.#restless) {
      peer.tick();
      if (!peer.restless) this.#restless.delete(peer);
      if (peer.forgettable) this.#peers.delete(peer.id);
    }
    return this.#restless.size === 0 ? 'rests' : 'goes-on';
  }

  // What a peer says to its host.

  attend(peer: Peer): void {
    if (this.#closed) return;
    this.#restless.add(peer);
    this.neighbours.attend(this);
  }

  frame(from: PeerIdentity, frame: Uint8Array): void {
    if (!this.#closed) this.#on.frame(from, frame);
  }

  up(peer: PeerIdentity): void {
    if (this.#closed) return;
    this.#on.peer(peer, true);
    if (this.#refused.has(peer.id)) this.room(peer.id);
  }

  down(peer: PeerIdentity): void {
    if (!this.#closed) this.#on.peer(peer, false);
  }

  room(to: ReplicaId): void {
    this.#refused.delete(to);
    if (!this.#closed) this.#on.drain(to);
  }

  #peerOf(id: ReplicaId): Peer {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const peer = new Peer(id, this);
    this.#peers.set(id, peer);
    return peer;
  }
}

import { InvalidOptionError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Clock } from '../ports/clock.ts';
import type { Port, ProcessContext } from '../ports/port.ts';
import type {
  Endpoint,
  Lane,
  LocalIdentity,
  PeerAddress,
  Transport,
  TransportEvents,
} from '../ports/transport.ts';

/** Decides the fate of one frame: when it arrives, in milliseconds; never, or more than once. The
 * first arrival is the one that the sender's queue waits for. */
export type Fate = (
  from: ReplicaId,
  to: ReplicaId,
  lane: Lane,
  frame: Uint8Array,
) => readonly number[];

/** What becomes of frames: all arrive, once and in order, unless given. */
export interface MemoryNetworkOptions {
  /** Runs something in the network after a while; the receiver's clock unless given. */
  readonly later?: (delayMs: number, run: () => void) => void;
  /** Every frame arrives once and at once unless given. */
  readonly fate?: Fate;
  /** A frame arrives also on a later connection of the same two replicas; false unless given. */
  readonly outlive?: boolean;
}

/**
 * The in-memory twin of a network: transports of one process that find each other by any string as
 * address, under the name `memory`. For tests, examples and the simulator.
 */
export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly transports = new Map<string, MemoryTransport>();
  /** Frames under way survive their sender and their connection, as they may in a network. */
  readonly outlive: boolean;
  /** Whether these two can hear each other at all; a connection breaks when they cannot. */
  reachable: (a: ReplicaId, b: ReplicaId) => boolean = () => true;

  constructor(options: MemoryNetworkOptions = {}) {
    this.#options = options;
    this.outlive = options.outlive ?? false;
  }

  /** Runs something in the network after a while. */
  later(delayMs: number, clock: Clock, run: () => void): void {
    const { later } = this.#options;
    if (later !== undefined) later(delayMs, run);
    else clock.soon(run);
  }

  /** When this frame arrives, in milliseconds; never, or more than once. */
  fate(from: ReplicaId, to: ReplicaId, lane: Lane, frame: Uint8Array): readonly number[] {
    return this.#options.fate?.(from, to, lane, frame) ?? [0];
  }

  /** Connects whoever can be, and disconnects whoever cannot hear the other any more. */
  settle(): void {
    for (const a of this.endpoints()) {
      for (const link of a.links.values()) {
        if (!this.reachable(a.local.id, link.local.id)) a.unlink(link);
      }
    }
    for (const a of this.endpoints())
      for (const { id, addresses } of a.known) this.#connect(a, id, addresses.memory);
  }

  /** A frame that was held back arrives now, if there is a connection. */
  deliver(from: ReplicaId, to: ReplicaId, frame: Uint8Array): void {
    this.connectedTo(from, to)?.receive(from, frame);
  }

  /** The most bytes that this replica has queued for any one peer. */
  queuedBytesMax(id: ReplicaId): number {
    let most = 0;
    for (const endpoint of this.endpoints()) {
      if (endpoint.local.id !== id) continue;
      for (const { id: peer } of endpoint.known) most = Math.max(most, endpoint.queuedBytes(peer));
    }
    return most;
  }

  /** The connection of these two breaks, with what is on its way in it; `settle` makes another. */
  disconnect(a: ReplicaId, b: ReplicaId): void {
    for (const endpoint of this.endpoints()) {
      const peer = endpoint.local.id === a ? endpoint.links.get(b) : undefined;
      if (peer !== undefined) endpoint.unlink(peer);
    }
  }

  /** Replica `to`, if it has a connection with replica `from` now. */
  connectedTo(from: ReplicaId, to: ReplicaId): MemoryEndpoint | undefined {
    for (const endpoint of this.endpoints()) {
      if (endpoint.local.id === to && endpoint.links.has(from)) return endpoint;
    }
    return undefined;
  }

  /** Every group that any transport serves. */
  *endpoints(): Iterable<MemoryEndpoint> {
    for (const transport of this.transports.values()) yield* transport.endpoints.values();
  }

  #connect(a: MemoryEndpoint, id: ReplicaId, address: string | undefined): void {
    const b = this.transports.get(address ?? '')?.endpoints.get(a.local.group);
    if (b === undefined || b === a || b.local.id !== id || a.local.id === id) return;
    // Whoever was told of the last connection may have closed this very one.
    if (a.isClosed) return;
    if (a.links.has(id) || b.links.has(a.local.id)) return;
    if (this.reachable(a.local.id, id)) a.link(b);
  }
}

/** A transport on a network in memory, at `address`. */
export function memoryTransport(
  network: MemoryNetwork,
  address: string,
): Port<Transport, ProcessContext> {
  return {
    open: async ({ clock, limits }) => {
      const transport = new MemoryTransport(network, address, clock, limits);
      network.transports.set(address, transport);
      return transport;
    },
  };
}

export class MemoryTransport implements Transport {
  readonly address: string;
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly endpoints = new Map<string, MemoryEndpoint>();

  constructor(network: MemoryNetwork, address: string, clock: Clock, limits: Limits) {
    this.network = network;
    this.address = address;
    this.clock = clock;
    this.limits = limits;
  }

  open(local: LocalIdentity, on: TransportEvents): Endpoint {
    if (this.endpoints.has(local.group)) {
      throw new InvalidOptionError('group', `${local.group} is open already`);
    }
    const endpoint = new MemoryEndpoint(this, local, on);
    this.endpoints.set(local.group, endpoint);
    this.network.settle();
    return endpoint;
  }

  async close(): Promise<void> {
    for (const endpoint of this.endpoints.values()) endpoint.close();
    if (this.network.transports.get(this.address) === this) {
      this.network.transports.delete(this.address);
    }
    this.network.settle();
  }
}

export class MemoryEndpoint implements Endpoint {
  readonly local: LocalIdentity;
  readonly links = new Map<ReplicaId, MemoryEndpoint>();
  /** Which connection with a peer it is: another one carries no frames of this one. */
  readonly #connections = new Map<ReplicaId, number>();
  known: readonly PeerAddress[] = [];
  readonly #transport: MemoryTransport;
  readonly #on: TransportEvents;
  readonly #queued = new Map<string, number>();
  readonly #refused = new Set<ReplicaId>();
  #closed = false;

  constructor(transport: MemoryTransport, local: LocalIdentity, on: TransportEvents) {
    this.#transport = transport;
    this.local = local;
    this.#on = on;
  }

  peers(peers: readonly PeerAddress[]): void {
    this.known = peers;
    this.#transport.network.settle();
  }

  send(to: ReplicaId, lane: Lane, parts: readonly Uint8Array[]): boolean {
    const { network, limits, clock } = this.#transport;
    const peer = this.links.get(to);
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const key = `${to}:${lane}`;
    const queued = this.#queued.get(key) ?? 0;
    const full = queued + bytes > limits.sendQueueBytesMax;
    if (peer === undefined || full || bytes > limits.frameBytesMax) {
      this.#refused.add(to);
      if (peer !== undefined && queued === 0) network.later(0, clock, () => this.#sent(to, key, 0));
      return false;
    }
    const frame = joined(parts, bytes);
    this.#queued.set(key, queued + bytes);
    const connection = this.#connections.get(to);
    const delays = network.fate(this.local.id, to, lane, frame);
    // The way to its end takes the queue's room until the first copy has arrived, or is lost.
    for (const [i, delay] of delays.entries()) {
      network.later(delay, clock, () => {
        if (i === 0) this.#sent(to, key, bytes);
        const receiver = network.outlive ? network.connectedTo(this.local.id, to) : peer;
        const same = this.links.get(to) === peer && this.#connections.get(to) === connection;
        const stands = network.outlive || same;
        if (receiver !== undefined && stands)
          receiver.#receive(this, delays.length > 1 ? frame.slice() : frame);
      });
    }
    if (delays.length === 0) network.later(0, clock, () => this.#sent(to, key, bytes));
    return true;
  }

  queuedBytes(to: ReplicaId): number {
    return (this.#queued.get(`${to}:votes`) ?? 0) + (this.#queued.get(`${to}:bulk`) ?? 0);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // First: whoever is told may do what connects the others anew.
    this.#transport.endpoints.delete(this.local.group);
    for (const peer of this.links.values()) this.unlink(peer);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  link(peer: MemoryEndpoint): void {
    const { id } = peer.local;
    this.#connections.set(id, (this.#connections.get(id) ?? 0) + 1);
    peer.#connections.set(this.local.id, (peer.#connections.get(this.local.id) ?? 0) + 1);
    this.links.set(id, peer);
    peer.links.set(this.local.id, this);
    this.#announce(peer, true);
    // Whoever is told may send at once, and the connection break with that frame.
    if (this.links.get(id) === peer) peer.#announce(this, true);
  }

  unlink(peer: MemoryEndpoint): void {
    if (this.links.get(peer.local.id) !== peer) return;
    this.links.delete(peer.local.id);
    peer.links.delete(this.local.id);
    this.#announce(peer, false);
    peer.#announce(this, false);
  }

  receive(from: ReplicaId, frame: Uint8Array): void {
    const sender = this.links.get(from);
    if (sender !== undefined) this.#receive(sender, frame.slice());
  }

  #announce({ local }: MemoryEndpoint, up: boolean): void {
    if (this.#closed) return;
    const { id, store } = local;
    this.#on.peer({ id, store }, up);
    if (up && this.#refused.delete(id)) this.#on.drain(id);
  }

  #receive(from: MemoryEndpoint, frame: Uint8Array): void {
    const { id, store } = from.local;
    if (this.#closed) return;
    try {
      this.#on.frame({ id, store }, frame);
    } catch {
      this.unlink(from);
    }
  }

  #sent(to: ReplicaId, key: string, bytes: number): void {
    this.#queued.set(key, Math.max(0, (this.#queued.get(key) ?? 0) - bytes));
    if (!this.#closed && this.links.has(to) && this.#refused.delete(to)) this.#on.drain(to);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

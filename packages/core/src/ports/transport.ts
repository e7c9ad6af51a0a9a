import type { Addresses, ReplicaId, StoreId } from '../paxos/membership.ts';

/** Votes must not wait behind bulk: two lanes, each in order on its own. */
export type Lane = 'votes' | 'bulk';

/** Who this process is, in one group. */
export interface LocalIdentity {
  /** The group's name. */
  readonly group: string;
  readonly id: ReplicaId;
  readonly store: StoreId;
  /** Drawn at each start: tells a restart from a twin that uses the same id or store. */
  readonly instance: number;
}

/** Who sent a frame, as its handshake said and the transport keeps to. */
export interface PeerIdentity {
  readonly id: ReplicaId;
  readonly store: StoreId;
}

/** Where a replica can be reached, by each transport that it has. */
export interface PeerAddress {
  readonly id: ReplicaId;
  readonly addresses: Addresses;
}

/** What a transport tells one group of this process. */
export interface TransportEvents {
  /**
   * `frame` is valid only during the call: what is kept must be copied. It is no Buffer, whose
   * `slice` makes no copy. If it throws, the frame was bad: the transport ends the connection with
   * that peer in this group, and counts it.
   */
  frame(from: PeerIdentity, frame: Uint8Array): void;
  /** `up` once both lanes work; no frame of a peer comes before its `up` or after its `down`. */
  peer(peer: PeerIdentity, up: boolean): void;
  /** Follows every `send` that returned false: there is room again, or the peer is up again. */
  drain(to: ReplicaId): void;
}

/**
 * Moves frames between processes, for many groups. May lose, delay, repeat or reorder frames;
 * never changes, truncates, joins or invents one. A peer of another group, with an id that is not
 * the one asked for, or with the id of a live peer of another store or instance, is refused.
 */
export interface Transport {
  /** RSL_INVALID_OPTION if this transport already serves a group of that name. */
  open(local: LocalIdentity, on: TransportEvents): Endpoint;
  /** The address that peers can reach, once it listens, for example `127.0.0.1:7001`. */
  readonly address: string;
  /** Closes every endpoint; no event comes after it. A second call does nothing. */
  close(): Promise<void>;
}

/** One group of this process, on a transport that may serve several. */
export interface Endpoint {
  /**
   * Whom to keep a connection with, from now on. Peers may come in that are not among them, and
   * those that did stay connected.
   */
  peers(peers: readonly PeerAddress[]): void;
  /**
   * Queues one frame, the parts one after the other, or returns false: queue full, frame larger
   * than `frameBytesMax`, or peer down; the frame is dropped and `drain` tells when to go on. The
   * caller never writes the parts again. Frames of one lane arrive in order if they arrive.
   */
  send(to: ReplicaId, lane: Lane, parts: readonly Uint8Array[]): boolean;
  /** Bytes queued for a peer, both lanes; at most `sendQueueBytesMax` for each lane. */
  queuedBytes(to: ReplicaId): number;
  /** Says nothing any more; the transport serves its other groups on. */
  close(): void;
}

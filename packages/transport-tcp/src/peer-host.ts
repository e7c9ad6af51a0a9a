import type { Limits } from '@rsl/core';
import type { LocalIdentity, PeerIdentity, ReplicaId } from '@rsl/core/protocol';
import type { Surroundings } from './surroundings.ts';

/** What a peer needs to know of its endpoint, and tells it. */
export interface PeerHost {
  readonly local: LocalIdentity;
  readonly limits: Limits;
  readonly around: Surroundings;
  frame(from: PeerIdentity, frame: Uint8Array): void;
  up(peer: PeerIdentity): void;
  down(peer: PeerIdentity): void;
  room(to: ReplicaId): void;
}

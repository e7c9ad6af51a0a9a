import { channels, type Envelope, readFrame } from '../codec/frame.ts';
import { type HostMessage, readHostMessage } from '../codec/host-codec.ts';
import { readMessage } from '../codec/message-codec.ts';
import { type Membership, memberOf, type ReplicaId } from '../paxos/membership.ts';
import type { Message } from '../paxos/messages.ts';
import type { LayerCodec } from '../ports/layer.ts';
import type { PeerIdentity } from '../ports/transport.ts';

export type Received =
  | { readonly to: 'protocol'; readonly message: Message }
  | { readonly to: 'host'; readonly message: HostMessage }
  | { readonly to: 'layer'; readonly channel: number; readonly message: object }
  /** Not for us, or not now: counted under this name and dropped. */
  | { readonly to: 'nobody'; readonly why: string };

/**
 * What a frame is for. Votes, promises and heartbeats are believed only from stores that this very
 * configuration names (P5, S2); learning and requests from any store of the group; questions about
 * where the group is from anybody. FrameError for what is no frame.
 */
export function receive(
  from: PeerIdentity,
  bytes: Uint8Array,
  envelope: Envelope,
  membership: Membership,
  membersMax: number,
  layers: ReadonlyMap<number, LayerCodec> = noLayers,
): Received {
  const frame = readFrame(bytes);
  if (frame.channel === channels.forming) {
    const message = readHostMessage(frame, membersMax);
    if (message !== undefined) return { to: 'host', message };
    return { to: 'nobody', why: 'framesOfUnknownKind' };
  }
  if (membership.number === 0) return { to: 'nobody', why: 'framesBeforeFormed' };
  if (frame.group !== envelope.group) return { to: 'nobody', why: 'framesOfAnotherGroup' };
  if (frame.channel === channels.paxos) {
    const same =
      frame.configuration === envelope.configuration && frame.fingerprint === envelope.fingerprint;
    if (!same) return { to: 'nobody', why: 'framesOfAnotherConfiguration' };
    const named = memberOf(membership, from.id, from.store) !== undefined;
    if (!named) return { to: 'nobody', why: 'framesOfNoMember' };
  }
  const layer = layers.get(frame.channel);
  if (layer !== undefined) {
    const message = layer.read(frame);
    if (message === undefined) return { to: 'nobody', why: 'framesOfUnknownKind' };
    return { to: 'layer', channel: frame.channel, message };
  }
  const message = readMessage(frame);
  if (message !== undefined) {
    if (isOfAnother(message, from.id)) return { to: 'nobody', why: 'framesOfAnotherProposer' };
    return { to: 'protocol', message };
  }
  const other = readHostMessage(frame, membersMax);
  if (other !== undefined) return { to: 'host', message: other };
  return { to: 'nobody', why: 'framesOfUnknownKind' };
}

const noLayers: ReadonlyMap<number, LayerCodec> = new Map();

/** A ballot is its proposer's alone: nobody else says what is proposed in it (P1). */
function isOfAnother(message: Message, from: ReplicaId): boolean {
  switch (message.kind) {
    case '1a':
    case '2a':
    case 'heartbeat':
    case 'decided':
    case 'may-i':
    case 'stand-now':
      return message.ballot.proposer !== from;
    default:
      return false;
  }
}

import type { LocalIdentity, PeerIdentity, ReplicaId } from '@rsl/core/protocol';
import { requires } from '@rsl/contracts';
import { groupBytesMax, introductionBytes, WireViolation } from './framing.ts';

/** What a replica says of itself to another one of its group, when it joins or is joined. */
export interface Introduction extends PeerIdentity {
  /** Drawn at each start of the replica. */
  readonly instance: number;
  /** A join: the id that is asked for, 0 is any. An answer: the id of who joined. */
  readonly asked: ReplicaId;
}

/** A group's first word on a link. */
export interface Join extends Introduction {
  readonly group: string;
}

const storePattern = /^[0-9a-f]{16}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function isStoreId(text: string): boolean {
  return storePattern.test(text);
}

export function encodeJoin(local: LocalIdentity, asked: ReplicaId): Uint8Array {
  const group = Buffer.from(local.group);
  requires(() => group.length >= 1 && group.length <= groupBytesMax, 'tcp-16 a group has a name');
  return Buffer.concat([encodeJoined(local, asked), group]);
}

/** The answer to a join that is welcome. */
export function encodeJoined(local: LocalIdentity, asked: ReplicaId): Uint8Array {
  requires(() => isStoreId(local.store), 'tcp-17 a store has 16 digits');
  const bytes = Buffer.alloc(introductionBytes);
  bytes.writeUInt16LE(local.id, 0);
  bytes.writeUInt16LE(asked, 2);
  bytes.write(local.store, 4, 'hex');
  bytes.writeDoubleLE(local.instance, 12);
  return bytes;
}

/** Throws WireViolation. Its length is in range. */
export function decodeJoin(body: Uint8Array): Join {
  const introduction = decodeJoined(body);
  try {
    return { ...introduction, group: utf8.decode(body.subarray(introductionBytes)) };
  } catch {
    throw new WireViolation('join', 'the name of a group is no UTF-8');
  }
}

/** Throws WireViolation. */
export function decodeJoined(body: Uint8Array): Introduction {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const instance = bytes.readDoubleLE(12);
  if (!Number.isFinite(instance)) throw new WireViolation('join', 'an instance is no number');
  return {
    id: bytes.readUInt16LE(0),
    asked: bytes.readUInt16LE(2),
    store: bytes.toString('hex', 4, 12),
    instance,
  };
}

export function encodeRefused(code: number): Uint8Array {
  return Uint8Array.of(code, code >>> 8);
}

export function decodeRefused(body: Uint8Array): number {
  return (body[0] ?? 0) | ((body[1] ?? 0) << 8);
}

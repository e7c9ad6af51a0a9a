/** Content of tests: any length, the same each time. */
import { createHash } from 'node:crypto';
import type { Membership, Slot, SnapshotAbout, SnapshotMeta } from '@rsl/core/protocol';

const membership: Membership = {
  group: 'feedfacefeedface',
  number: 1,
  firstSlot: 1,
  members: [{ id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a:1' } }],
  previous: [],
};

export const aboutOf = (slot: Slot): SnapshotAbout => ({ slot, membership, layout: 1 });

export function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 131 + (at >> 7) + length) & 0xff;
  return bytes;
}

export const metaFor = (slot: Slot, length: number): SnapshotMeta => ({
  ...aboutOf(slot),
  bytes: length,
  digest: createHash('sha256').update(bytesOf(length)).digest('hex'),
});

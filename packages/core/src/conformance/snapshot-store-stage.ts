/** What the cases of the SnapshotStore kit share. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Membership } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type {
  SnapshotAbout,
  SnapshotMeta,
  SnapshotStore,
  SnapshotWriter,
} from '../ports/snapshot-store.ts';

/** Opens the store of this case, again if it was closed. */
export type OpenSnapshotStore = () => Promise<SnapshotStore>;

/** A store whose medium can be made full, and given room again. */
export interface FullSnapshotStore {
  readonly store: SnapshotStore;
  /** There is room for a few bytes more. */
  fill(this: void): void;
  /** There is room again for all that a case writes. */
  free(this: void): void;
}

/** Opens a store on a medium that is about to be full. */
export type OpenFullSnapshotStore = () => Promise<FullSnapshotStore>;

const membership: Membership = {
  group: 'feedfacefeedface',
  number: 3,
  firstSlot: 1,
  members: [{ id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a:1' } }],
  previous: [{ id: 2, store: 'fedcba9876543210', role: 'observer', addresses: {} }],
};

export const aboutOf = (slot: Slot): SnapshotAbout => ({ slot, membership, layout: 1 });

const contents = new Map<number, Uint8Array>();

/** Content of so many bytes: the same each time, no two lengths alike. */
export function bytesOf(length: number): Uint8Array {
  let bytes = contents.get(length);
  if (bytes === undefined) {
    bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 7 + length) & 0xff;
    contents.set(length, bytes);
  }
  return bytes;
}

export const metaFor = (slot: Slot, length: number): SnapshotMeta => ({
  ...aboutOf(slot),
  bytes: length,
  digest: createHash('sha256').update(bytesOf(length)).digest('hex'),
});

/** Some at a time, as whoever saves or fetches does. */
export async function writtenTo(writer: SnapshotWriter, bytes: Uint8Array): Promise<void> {
  const step = 40_000;
  for (let at = 0; at < bytes.length; at += step) await writer.write(bytes.slice(at, at + step));
}

export async function committed(
  store: SnapshotStore,
  slot: Slot,
  length: number,
): Promise<SnapshotMeta> {
  const writer = await store.create(aboutOf(slot));
  await writtenTo(writer, bytesOf(length));
  return writer.commit();
}

export async function contentOf(store: SnapshotStore, meta: SnapshotMeta): Promise<Uint8Array> {
  const reader = await store.open(meta);
  const bytes = new Uint8Array(meta.bytes);
  for (let at = 0; at < meta.bytes; ) {
    const part = await reader.read(at, 70_000);
    assert.ok(part.length > 0);
    bytes.set(part, at);
    at += part.length;
  }
  await reader.verify();
  await reader.close();
  return bytes;
}

export const slotsOf = (metas: readonly SnapshotMeta[]): Slot[] => metas.map(({ slot }) => slot);

export async function failsWith(code: string, promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason as { code?: unknown },
  );
  assert.equal(error?.code, code);
}

import { FrameError } from '@rsl/core';
import { FrameWriter, readFrame } from '@rsl/core/testing';
import type { Membership, SnapshotMeta } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listedMax, snapshotCodec, wordKinds } from '../../src/layer/snapshot-codec.ts';
import { snapshotChannel, type Word } from '../../src/words.ts';
import { runs } from './runs.ts';
import { membershipOf, overTheWire } from './world.ts';

const envelope = { group: '0123456789abcdef', configuration: 3, fingerprint: 9 };
const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const slot = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const membership = fc
  .uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 5 })
  .map((ids): Membership => membershipOf(ids));
const meta: fc.Arbitrary<SnapshotMeta> = fc.record({
  slot,
  membership,
  layout: fc.integer({ min: 1, max: 65_535 }),
  bytes: fc.nat(),
  digest,
});
const word: fc.Arbitrary<Word> = fc.oneof(
  fc.record({
    kind: fc.constant('ask' as const),
    need: slot,
    for: fc.constantFrom('state' as const, 'store' as const),
  }),
  fc.record({
    kind: fc.constant('have' as const),
    snapshots: fc.array(meta, { maxLength: listedMax }),
    leads: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('get' as const),
    digest,
    offset: slot,
    bytesMax: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  }),
  fc.record({
    kind: fc.constant('chunk' as const),
    digest,
    offset: slot,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
  }),
  fc.record({ kind: fc.constantFrom('gone' as const, 'done' as const), digest }),
  fc.record({
    kind: fc.constant('digest' as const),
    digest,
    slot,
    layout: fc.integer({ min: 1, max: 65_535 }),
  }),
);

function frameOf(said: Word): Uint8Array {
  const out = new FrameWriter();
  out.begin(snapshotChannel, snapshotCodec.kindOf(said), envelope);
  snapshotCodec.write(said, out);
  return new Uint8Array(Buffer.concat(out.end()));
}

/** A frame of that kind whose head is written by hand. */
function handmade(kind: number, write: (out: FrameWriter) => void): Uint8Array {
  const out = new FrameWriter();
  out.begin(snapshotChannel, kind, envelope);
  write(out);
  return new Uint8Array(Buffer.concat(out.end()));
}

const read = (bytes: Uint8Array): unknown => snapshotCodec.read(readFrame(bytes));

test('every word is read as it was written', () => {
  fc.assert(
    fc.property(word, (said) => {
      expect(overTheWire(said)).toEqual(said);
    }),
    runs(20263, 500),
  );
});

test('whatever bit flips, it is a frame error', () => {
  const property = fc.property(word, fc.nat(), (said, at) => {
    const bytes = frameOf(said);
    const bit = at % (bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => read(bytes)).toThrow(FrameError);
  });
  fc.assert(property, runs(20264, 500));
});

test('whatever bytes a whole frame carries, it is a frame error or a word', () => {
  const fields = fc.uint8Array({ maxLength: 200 });
  const property = fc.property(fc.integer({ min: 1, max: 7 }), fields, (kind, bytes) => {
    const frame = handmade(kind, (out) => out.fields.raw(bytes));
    try {
      const said = read(frame) as Word;
      expect(wordKinds[said.kind]).toBe(kind);
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
    }
  });
  fc.assert(property, runs(20265, 2_000));
});

test('a kind that is not known is nobody’s word', () => {
  expect(read(handmade(8, () => {}))).toBeUndefined();
});

const some: SnapshotMeta = {
  slot: 10,
  membership: membershipOf([1, 2]),
  layout: 1,
  bytes: 5,
  digest: 'ab'.repeat(32),
};

test.each<[string, Word]>([
  ['a chunk of nothing', chunkOf(0)],
  ['a chunk of more than 1 MiB', chunkOf(1024 * 1024 + 1)],
  ['a membership that begins after the slot', have({ membership: beginsAt(12) })],
  ['a layout of 0', have({ layout: 0 })],
  ['a membership that is none', have({ membership: {} as Membership })],
])('%s is refused', (_, said) => {
  expect(() => read(frameOf(said))).toThrow(FrameError);
});

function chunkOf(length: number): Word {
  return { kind: 'chunk', digest: some.digest, offset: 0, bytes: new Uint8Array(length) };
}
function have(changed: Partial<SnapshotMeta>): Word {
  return { kind: 'have', leads: false, snapshots: [{ ...some, ...changed }] };
}
function beginsAt(firstSlot: number): Membership {
  return { ...some.membership, firstSlot };
}

test('more snapshots than can be listed are refused before any is read', () => {
  const frame = handmade(wordKinds.have, (out) => {
    out.fields.u8(0);
    out.fields.u8(listedMax + 1);
  });
  expect(() => read(frame)).toThrow(/at most 16/);
});

test('the newest are listed, without one whose membership is larger than any can be', () => {
  const address = 'x'.repeat(300_000);
  const member = { id: 1, store: 'a', role: 'voter', addresses: { m: address } } as const;
  const large = { ...some, membership: { ...some.membership, members: [member] } };
  const said = { kind: 'have', leads: true, snapshots: [large, some] } as const;
  expect(overTheWire(said)).toEqual({ ...said, snapshots: [some] });

  const many = Array.from({ length: 20 }, (_, i) => ({ ...some, slot: 100 - i }));
  const listed = overTheWire({ ...said, snapshots: many }) as Word & { kind: 'have' };
  expect(listed.snapshots).toEqual(many.slice(0, listedMax));
});

test('votes never wait behind chunks', () => {
  const words: Word[] = [chunkOf(1), have({}), { kind: 'ask', need: 1, for: 'state' }];
  expect(words.map((said) => snapshotCodec.laneOf(said))).toEqual(['bulk', 'votes', 'votes']);
});

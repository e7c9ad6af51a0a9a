import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { checkedValue } from '../../src/codec/checksum.ts';
import { FrameWriter, readFrame } from '../../src/codec/frame.ts';
import { messageKinds, readMessage, writeMessage } from '../../src/codec/message-codec.ts';
import { ballot, phase2a } from '../paxos/fixture.ts';

const envelope = { group: 'aaaaaaaaaaaaaaaa', configuration: 1, fingerprint: 7 };

function frame(): Uint8Array {
  const message = phase2a(ballot(1, 2), 1, 'value');
  const writer = new FrameWriter();
  writer.begin(...messageKinds[message.kind], envelope);
  writeMessage(message, writer);
  return new Uint8Array(Buffer.concat(writer.end()));
}

/** The frame after a change of it, with a head whose checksum fits again. */
function changed(change: (bytes: Uint8Array, view: DataView) => void, more = 0): Uint8Array {
  const bytes = new Uint8Array([...frame(), ...new Uint8Array(more)]);
  const view = new DataView(bytes.buffer);
  change(bytes, view);
  const head = bytes.subarray(0, view.getUint32(24, true));
  view.setUint32(4, crc32(head.subarray(8), crc32(head.subarray(0, 4))), true);
  return bytes;
}

const invalid = expect.objectContaining({ code: 'RSL_FRAME_INVALID' }) as Error;

test('a frame that is whole is read', () => {
  expect(readMessage(readFrame(changed(() => {})))).toMatchObject({ kind: '2a', slot: 1 });
});

test('a frame of another version is not guessed at, though its checksum fits', () => {
  const later = changed((bytes) => (bytes[1] = 2));
  expect(() => readFrame(later)).toThrowError(invalid);
});

test('a frame is exactly as long as it says', () => {
  const longer = changed(() => {}, 1);
  expect(() => readFrame(longer)).toThrowError(invalid);
});

test('nothing stands behind the last value', () => {
  // The head says how many bytes there are, but no field of it speaks of the last one.
  const more = changed((bytes, view) => view.setUint32(28, bytes.length, true), 1);
  expect(() => readMessage(readFrame(more))).toThrowError(invalid);
});

test('a value is a batch, a stop or a no-op, though its checksum fits', () => {
  for (const first of [0, 4, 255]) {
    const bytes = Uint8Array.of(first, 1, 2, 3);
    expect(() => checkedValue(bytes, crc32(bytes))).toThrowError(invalid);
  }
  expect(() => checkedValue(new Uint8Array(0), 0)).toThrowError(invalid);
});

test('a value whose bytes have changed is not believed', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(checkedValue(bytes, crc32(bytes)).bytes).toBe(bytes);
  expect(() => checkedValue(bytes, crc32(bytes) ^ 1)).toThrowError(invalid);
});

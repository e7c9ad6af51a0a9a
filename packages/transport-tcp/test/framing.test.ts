import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  envelopeBytes,
  envelopeTypes,
  FrameSplitter,
  WireViolation,
  writeEnvelope,
} from '../src/framing.ts';
import { LaneQueue, passThroughBytes, SlabPool } from '../src/lane.ts';

const golden = (name: string): Buffer =>
  Buffer.from(
    readFileSync(new URL(`./fixtures/${name}.hex`, import.meta.url), 'utf8').replace(/#.*|\s/g, ''),
    'hex',
  );

/** What a queue puts on the wire, in one piece. */
function wireOf(fill: (queue: LaneQueue) => void): Buffer {
  const queue = new LaneQueue(new SlabPool());
  fill(queue);
  const pieces: Uint8Array[] = [];
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
    for (const { bytes } of batch.pieces) pieces.push(Uint8Array.from(bytes));
    queue.written(batch);
  }
  expect(queue.queuedBytes).toBe(0);
  return Buffer.concat(pieces);
}

interface Cut {
  readonly frames: Buffer[];
  readonly splitter: FrameSplitter;
}

function cutter(frameBytesMax: number, pings: string[] = []): Cut {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter(frameBytesMax, {
    frame: (bytes) => frames.push(Buffer.from(Uint8Array.from(bytes))),
    ping: (number) => pings.push(`ping ${number}`),
    pong: (number) => pings.push(`pong ${number}`),
  });
  return { frames, splitter };
}

const violationOf = (action: () => void): string | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof WireViolation) return error.reason;
    throw error;
  }
  return undefined;
};

const envelope = (type: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(envelopeBytes);
  writeEnvelope(bytes, 0, type, length);
  return bytes;
};

test('an envelope on the wire is what the golden bytes say', () => {
  // Whoever changes this has changed the wire format: raise the version of the handshake.
  const wire = wireOf((queue) => {
    queue.pushFrame([Buffer.from('ab'), Buffer.from('c')], 3);
    queue.pushPing('ping', 0x01020304);
    queue.pushPing('pong', 0xfffefdfc);
  });
  expect(wire.toString('hex')).toBe(golden('envelope').toString('hex'));

  const pings: string[] = [];
  const { frames, splitter } = cutter(10, pings);
  splitter.push(golden('envelope'));
  expect(frames.map(String)).toEqual(['abc']);
  expect(pings).toEqual([`ping ${0x01020304}`, `pong ${0xfffefdfc}`]);
});

test('any frames, in any parts, come out of any chunks as they went in', () => {
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.nat(3 * passThroughBytes).map((n) => new Uint8Array(n).fill(n)) },
  );
  const frame = fc
    .array(part, { minLength: 1, maxLength: 4 })
    .filter((parts) => parts.some(({ length }) => length > 0));
  const sizes = fc.infiniteStream(
    fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), sizes, (sent, cuts) => {
      const wire = wireOf((queue) => {
        for (const parts of sent) queue.pushFrame(parts, Buffer.concat(parts).length);
      });
      const { frames, splitter } = cutter(4 * 3 * passThroughBytes);
      // Each chunk is overwritten after use, as a receive buffer is.
      let at = 0;
      for (const size of cuts) {
        if (at >= wire.length) break;
        const chunk = Uint8Array.from(wire.subarray(at, at + size));
        splitter.push(chunk);
        chunk.fill(0xee);
        at += size;
      }
      expect(frames.map(({ length }) => length)).toEqual(sent.map((p) => Buffer.concat(p).length));
      expect(Buffer.concat(frames).equals(Buffer.concat(sent.flat()))).toBe(true);
      expect(splitter.heldBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('any bytes make frames or a violation, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      const { splitter } = cutter(1_000);
      violationOf(() => {
        for (const chunk of chunks) splitter.push(chunk);
      });
    }),
    { numRuns: 500 },
  );
});

test('every length and type is looked at before anything is done with it', () => {
  const { frame, ping } = envelopeTypes;
  const cases: [string | undefined, Uint8Array][] = [
    [undefined, envelope(frame, 100)],
    ['length', envelope(frame, 101)],
    ['length', envelope(frame, 0xffff_ffff)],
    ['length', Buffer.from([0, 0, 0, 0, frame, 0, 0, 0])],
    ['length', envelope(ping, 5)],
    ['type', envelope(0, 4)],
    ['type', envelope(4, 4)],
    ['group', Buffer.from([1, 0, 0, 0, frame, 1, 0, 0])],
  ];
  for (const [reason, bytes] of cases) {
    // Whole at once, and byte by byte.
    expect(violationOf(() => cutter(100).splitter.push(bytes))).toBe(reason);
    const { splitter } = cutter(100);
    const singly = (): void => {
      for (const byte of bytes) splitter.push(Uint8Array.of(byte));
      splitter.push(Uint8Array.of(0));
    };
    expect(violationOf(singly)).toBe(reason);
  }
});

test('a header that announces much makes us allocate little', () => {
  const { splitter } = cutter(1 << 30);
  const before = process.memoryUsage().arrayBuffers;
  splitter.push(envelope(envelopeTypes.frame, 1 << 30));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
});

test('a large frame in small chunks costs its length, not its square', () => {
  // 64 MiB in chunks of 4 KiB: putting each chunk behind the others anew would move 512 GiB.
  const bytes = 64 << 20;
  let frames = 0;
  const splitter = new FrameSplitter(bytes, {
    frame: ({ length }) => (frames += length === bytes ? 1 : 0),
    ping: () => {},
    pong: () => {},
  });
  splitter.push(envelope(envelopeTypes.frame, bytes));
  const chunk = new Uint8Array(4096);
  for (let sent = 0; sent < bytes; sent += chunk.length) splitter.push(chunk);
  expect(frames).toBe(1);
});

test('whoever stops in the middle of a chunk gets no more frames', () => {
  let seen = 0;
  const splitter = new FrameSplitter(10, {
    frame: () => {
      seen += 1;
      splitter.stop();
    },
    ping: () => {},
    pong: () => {},
  });
  splitter.push(
    Buffer.concat([envelope(1, 1), Buffer.from('a'), envelope(1, 1), Buffer.from('b')]),
  );
  expect(seen).toBe(1);
});

test('small frames share a slab; large parts are passed through where they lie', () => {
  const queue = new LaneQueue(new SlabPool());
  const large = new Uint8Array(passThroughBytes);
  for (let i = 0; i < 100; i++) queue.pushFrame([Buffer.from('small')], 5);
  queue.pushFrame([Buffer.from('header'), large], 6 + large.length);
  queue.pushFrame([Buffer.from('small')], 5);
  expect(queue.queuedBytes).toBe(101 * 13 + 14 + large.length);
  const batch = queue.take();
  expect(batch?.pieces.length).toBe(3);
  expect(batch?.pieces[1]?.bytes).toBe(large);
  expect(queue.waitingBytes).toBe(0);
  expect(queue.queuedBytes).toBe(101 * 13 + 14 + large.length);
});

test('slabs are used again once they are written, and only then', () => {
  const slabs = new SlabPool();
  const queue = new LaneQueue(slabs);
  queue.pushFrame([Buffer.from('first')], 5);
  const first = queue.take();
  queue.pushFrame([Buffer.from('second')], 6);
  const second = queue.take();
  expect(second?.pieces[0]?.slab).not.toBe(first?.pieces[0]?.slab);
  if (first !== undefined) queue.written(first);
  expect(slabs.take()).toBe(first?.pieces[0]?.slab);
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Counters } from '../src/counters.ts';
import {
  envelopeBytes,
  envelopeTypes,
  FrameSplitter,
  WireViolation,
  writeEnvelope,
} from '../src/framing.ts';
import { Outgoing } from '../src/outgoing.ts';
import {
  firstSlabBytes,
  passThroughBytes,
  PieceQueue,
  SlabPool,
  slabBytes,
} from '../src/piece-queue.ts';

const golden = (name: string): Buffer =>
  Buffer.from(
    readFileSync(new URL(`./fixtures/${name}.hex`, import.meta.url), 'utf8').replace(/#.*|\s/g, ''),
    'hex',
  );

/** What a queue puts on the wire, in one piece. */
function wireOf(fill: (queue: PieceQueue) => void): Buffer {
  const queue = new PieceQueue(new SlabPool());
  fill(queue);
  const { bytes: all } = queue;
  const wire = Buffer.concat(queue.takeAll().map(({ bytes }) => Uint8Array.from(bytes)));
  expect(wire.length).toBe(all);
  expect(queue.bytes).toBe(0);
  return wire;
}

interface Cut {
  readonly frames: Buffer[];
  readonly splitter: FrameSplitter;
}

function cutter(
  frameBytesMax: number,
  pings: string[] = [],
  channels: 'one' | 'many' = 'many',
): Cut {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter(frameBytesMax, {
    frame: (bytes) => frames.push(Buffer.from(Uint8Array.from(bytes))),
    ping: (number) => pings.push(`ping ${number}`),
    pong: (number) => pings.push(`pong ${number}`),
    ...(channels === 'one' ? {} : { control: (type, channel) => pings.push(`${type} ${channel}`) }),
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

const envelope = (type: number, length: number, channel = 1): Uint8Array => {
  const bytes = new Uint8Array(envelopeBytes);
  writeEnvelope(bytes, 0, type, channel, length);
  return bytes;
};

test('an envelope on the wire is what the golden bytes say', () => {
  // Whoever changes this has changed the wire format: raise the version of the handshake.
  const wire = wireOf((queue) => {
    queue.pushFrame(0x030201, [Buffer.from('ab'), Buffer.from('c')], 3);
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
        for (const parts of sent) queue.pushFrame(1, parts, Buffer.concat(parts).length);
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

test('every length, type and channel is looked at before anything is done with it', () => {
  const { frame, ping, join, opened } = envelopeTypes;
  const cases: [string | undefined, 'one' | 'many', Uint8Array][] = [
    [undefined, 'many', envelope(frame, 100)],
    ['length', 'many', envelope(frame, 101)],
    ['length', 'many', envelope(frame, 0xffff_ffff)],
    ['length', 'many', envelope(frame, 0)],
    ['length', 'many', envelope(ping, 5, 0)],
    ['type', 'many', envelope(0, 4)],
    ['type', 'many', envelope(9, 4)],
    ['channel', 'many', envelope(frame, 1, 0)],
    ['channel', 'many', envelope(ping, 4, 1)],
    ['channel', 'many', envelope(opened, 0, 0)],
    ['length', 'many', envelope(opened, 1)],
    ['length', 'many', envelope(join, 20)],
    ['length', 'many', envelope(join, 149)],
    [undefined, 'many', envelope(join, 148)],
    [undefined, 'one', envelope(frame, 100, 0)],
    ['channel', 'one', envelope(frame, 100, 1)],
    ['type', 'one', envelope(opened, 0)],
    ['type', 'one', envelope(join, 21)],
  ];
  for (const [reason, channels, bytes] of cases) {
    // Whole at once, and byte by byte.
    expect(violationOf(() => cutter(100, [], channels).splitter.push(bytes))).toBe(reason);
    const { splitter } = cutter(100, [], channels);
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
  splitter.push(envelope(envelopeTypes.frame, bytes, 0));
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
    Buffer.concat([envelope(1, 1, 0), Buffer.from('a'), envelope(1, 1, 0), Buffer.from('b')]),
  );
  expect(seen).toBe(1);
});

test('small frames share a slab; large parts are passed through where they lie', () => {
  const queue = new PieceQueue(new SlabPool());
  const large = new Uint8Array(passThroughBytes);
  for (let i = 0; i < 100; i++) queue.pushFrame(1, [Buffer.from('small')], 5);
  queue.pushFrame(1, [Buffer.from('header'), large], 6 + large.length);
  queue.pushFrame(1, [Buffer.from('small')], 5);
  expect(queue.bytes).toBe(101 * 13 + 14 + large.length);
  const pieces = queue.takeAll();
  expect(pieces.length).toBe(3);
  expect(pieces[1]?.bytes).toBe(large);
});

test('a channel that fills slab after slab gives whole frames, about a turn of them', () => {
  // Whole, or frames of another channel would come in the middle of one.
  const sizes = [1, 100, 5_000, 15_000, passThroughBytes, 40_000, 200_000];
  const frame = fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 40 }), fc.nat(100_000), (sent, about) => {
      const queue = new PieceQueue(new SlabPool(), firstSlabBytes);
      for (const parts of sent) {
        const filled = parts.map((size) => new Uint8Array(size).fill(size));
        queue.pushFrame(1, filled, Buffer.concat(filled).length);
      }
      const largest = Math.max(0, ...sent.map((parts) => parts.reduce((a, b) => a + b, 8)));
      let frames = 0;
      while (queue.bytes > 0) {
        const pieces = queue.takeAbout(about);
        const bytes = Buffer.concat(pieces.map((piece) => Uint8Array.from(piece.bytes)));
        expect(bytes.length).toBeLessThan(about + largest + slabBytes);
        expect(pieces.reduce((sum, { counted }) => sum + counted, 0)).toBe(bytes.length);
        const cut = cutter(1 << 24);
        cut.splitter.push(bytes);
        expect(cut.splitter.heldBytes).toBe(0);
        frames += cut.frames.length;
      }
      expect(frames).toBe(sent.length);
    }),
    { numRuns: 100 },
  );
});

test('slabs are used again once they are written, and only then', () => {
  const slabs = new SlabPool();
  const outgoing = new Outgoing(
    { frameBytesMax: 100, sendQueueBytesMax: 1_000 },
    { slabs, counters: new Counters() },
    () => {},
  );
  const queue = outgoing.newQueue(1, () => {});
  queue.send([Buffer.from('first')]);
  const first = outgoing.next(undefined, undefined);
  queue.send([Buffer.from('second')]);
  if (first !== undefined) outgoing.written(first);
  const slab = first?.pieces[0]?.slab;
  expect(slab).toBeDefined();
  const second = outgoing.next(undefined, undefined);
  expect(second?.pieces[0]?.slab).not.toBe(slab);
  expect(slabs.take(slabBytes)).toBe(slab);
});

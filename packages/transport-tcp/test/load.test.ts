import { crc32 } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { type Actor, actor, clear, connected, intruder, type Stranger, until } from './actors.ts';

afterEach(clear);

const MiB = 1024 * 1024;

async function pair(): Promise<[Actor, Actor]> {
  const one = await actor(1);
  const two = await actor(2);
  one.knows(two);
  await connected(one, two);
  return [one, two];
}

test('100,000 small messages arrive in order, each way, through drains', async () => {
  const total = 100_000;
  const limits = { sendQueueBytesMax: 256 * 1024, frameBytesMax: 64 * 1024 };
  const one = await actor(1, { limits });
  const two = await actor(2, { limits });
  one.knows(two);
  await connected(one, two);
  const expected = new Map([
    [one, 0],
    [two, 0],
  ]);
  const sent = new Map([
    [one, 0],
    [two, 0],
  ]);
  for (const receiver of [one, two]) {
    receiver.frame = (_, frame) => {
      const number = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(0);
      const due = expected.get(receiver) ?? 0;
      if (number !== due) throw new Error(`frame ${number} where ${due} was due`);
      expected.set(receiver, due + 1);
    };
  }
  const refused = new Set<Actor>();
  const push = (from: Actor, to: number): void => {
    let next = sent.get(from) ?? 0;
    const frame = Buffer.alloc(64);
    for (; next < total; next++) {
      frame.writeUInt32BE(next);
      if (
        !from.endpoint.send(to, 'votes', [frame.subarray(0, 4), frame.subarray(4, 9 + (next % 55))])
      ) {
        refused.add(from);
        break;
      }
    }
    sent.set(from, next);
  };
  await until(
    () => {
      push(one, 2);
      push(two, 1);
      return expected.get(one) === total && expected.get(two) === total;
    },
    'all arrive',
    60_000,
  );
  expect(refused.size).toBeGreaterThan(0);
  await until(() => [...refused].every(({ drains }) => drains > 0), 'whoever was refused is told');
}, 60_000);

test('frames of 8 MiB arrive whole, in one part and in many', async () => {
  const [one, two] = await pair();
  const large = new Uint8Array(8 * MiB).map((_, at) => (at * 7 + (at >> 12)) & 0xff);
  const seen: number[] = [];
  for (const receiver of [one, two]) {
    receiver.frame = (_, frame) =>
      void seen.push(frame.length === large.length ? crc32(frame) : -1);
  }
  const parts: Uint8Array[] = [];
  for (let at = 0, size = 1; at < large.length; at += size, size = (size * 2) % 100_003) {
    parts.push(large.subarray(at, at + size));
  }
  let sent = 0;
  for (const frame of [[large], parts, [large]]) {
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      await until(() => from.endpoint.send(to.id, 'bulk', frame), 'there is room');
      sent += 1;
    }
  }
  await until(() => seen.length === sent, 'all arrive');
  expect(new Set(seen)).toEqual(new Set([crc32(large)]));
});

/** A peer that greets as it should and reads as little as it is told. */
async function lazyPeer(of: Actor): Promise<{ votes: Stranger; bulk: Stranger }> {
  const link = await intruder(of, { frameBytesMax: 8 * MiB });
  link.bulk.socket.removeAllListeners('data').pause();
  return link;
}

test('a slow receiver: send says no, memory stays bounded, drain comes', async () => {
  const one = await actor(1, { deadAfterMs: 60_000, pingIntervalMs: 60_000 });
  const { bulk } = await lazyPeer(one);
  const before = process.memoryUsage().arrayBuffers;
  // Turn after turn, as much as it takes: 1 KiB parts are copied, so memory would show.
  const frame = new Uint8Array(1_024);
  let refused = 0;
  while (refused < 2_000) {
    if (one.endpoint.send(9, 'bulk', [frame])) refused = 0;
    else refused += 1;
    if (refused > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(one.endpoint.queuedBytes(9)).toBeLessThanOrEqual(16 * MiB);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * MiB);
  expect(one.endpoint.queuedBytes(9)).toBeGreaterThan(15 * MiB);
  expect(one.drains).toBe(0);
  // The other lane does not care.
  expect(one.endpoint.send(9, 'votes', [frame])).toBe(true);

  bulk.socket.resume();
  await until(() => one.drains === 1, 'drain comes');
  expect(one.endpoint.queuedBytes(9)).toBeLessThanOrEqual(8 * MiB);
  expect(one.endpoint.send(9, 'bulk', [frame])).toBe(true);
});

test('a peer that takes what we send, however slowly, is not dead', async () => {
  const limits = { sendQueueBytesMax: 12 * MiB };
  const one = await actor(1, { deadAfterMs: 1_000, pingIntervalMs: 100, limits });
  const { votes, bulk } = await lazyPeer(one);
  while (one.endpoint.send(9, 'bulk', [new Uint8Array(100_000)]));
  // It never says a word on the bulk lane: that our bytes go there is sign of life enough.
  const ping = Buffer.from([4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  const startedMs = performance.now();
  const slowly = setInterval(() => {
    votes.socket.write(ping);
    bulk.socket.read();
  }, 10);
  await until(() => one.endpoint.queuedBytes(9) === 0 || !one.up.has(9), 'all is taken');
  clearInterval(slowly);
  expect(one.changes).toEqual(['up 9']);
  expect(performance.now() - startedMs).toBeGreaterThan(1_200);
});

test('a peer that takes nothing is dead, however much we have for it', async () => {
  const one = await actor(1, { deadAfterMs: 400, pingIntervalMs: 100 });
  const { votes } = await lazyPeer(one);
  while (one.endpoint.send(9, 'bulk', [new Uint8Array(100_000)]));
  const ping = Buffer.from([4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  const talking = setInterval(() => votes.socket.write(ping), 50);
  await until(() => !one.up.has(9), 'it is down');
  clearInterval(talking);
  expect(one.lines.at(-1)?.fields['why']).toBe('silent for 400 ms');
  expect(one.endpoint.queuedBytes(9)).toBe(0);
});

test('a frame that the other side would not take is refused on this one', async () => {
  const one = await actor(1);
  const two = await actor(2, { limits: { frameBytesMax: 1_000 } });
  one.knows(two);
  await connected(one, two);
  expect(one.endpoint.send(2, 'votes', [new Uint8Array(1_001)])).toBe(false);
  expect(one.endpoint.send(2, 'votes', [new Uint8Array(1_000)])).toBe(true);
  await until(() => two.frames.length === 1, 'the smaller one arrives');
  expect(one.changes).toEqual(['up 2']);
});

import { readFileSync } from 'node:fs';
import { FrameError } from '@rsl/core';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type ControlType, envelopeTypes, FrameSplitter, groupBytesMax } from '../src/framing.ts';
import {
  decodeJoin,
  decodeJoined,
  decodeRefused,
  encodeJoin,
  encodeJoined,
  encodeRefused,
} from '../src/joining.ts';
import { PieceQueue, SlabPool } from '../src/piece-queue.ts';
import { actor, clear, connected, envelopeOf, strangeLink, until } from './actors.ts';
import { seededRandom } from './context.ts';

afterEach(clear);

const golden = Buffer.from(
  readFileSync(new URL('./fixtures/channel.hex', import.meta.url), 'utf8').replace(/#.*|\s/g, ''),
  'hex',
);
const local = {
  group: 'zähler',
  id: 258,
  store: '0123456789abcdef',
  instance: 123_456_789_012_345,
};

test('what is said about a channel is what the golden bytes say', () => {
  // Whoever changes this has changed the wire format: raise the version of the handshake.
  const queue = new PieceQueue(new SlabPool());
  const { join, joined, refused, opened, leave } = envelopeTypes;
  queue.pushControl(join, 5, encodeJoin(local, 772));
  queue.pushControl(joined, 5, encodeJoined(local, 772));
  queue.pushControl(refused, 5, encodeRefused(3));
  queue.pushControl(opened, 5, new Uint8Array(0));
  queue.pushControl(leave, 5, new Uint8Array(0));
  const wire = Buffer.concat(queue.takeAll().map(({ bytes }) => bytes));
  expect(wire.toString('hex')).toBe(golden.toString('hex'));

  const said: [ControlType, number, Buffer][] = [];
  new FrameSplitter(10, {
    frame: () => expect.unreachable(),
    ping: () => expect.unreachable(),
    pong: () => expect.unreachable(),
    control: (type, channel, body) => said.push([type, channel, Buffer.from(body)]),
  }).push(golden);
  expect(said.map(([type, channel]) => [type, channel])).toEqual(
    ['join', 'joined', 'refused', 'opened', 'leave'].map((type) => [type, 5]),
  );
  const { group, ...introduction } = local;
  expect(decodeJoin(said[0]?.[2] ?? golden)).toEqual({ ...introduction, group, asked: 772 });
  expect(decodeJoined(said[1]?.[2] ?? golden)).toEqual({ ...introduction, asked: 772 });
  expect(decodeRefused(said[2]?.[2] ?? golden)).toBe(3);
});

test('every join comes back, and any other bytes are a FrameError or another join', () => {
  const group = fc
    .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
    .filter((name) => Buffer.byteLength(name) <= groupBytesMax);
  const store = fc.stringMatching(/^[0-9a-f]{16}$/);
  const instance = fc.double({ noNaN: true, noDefaultInfinity: true });
  const id = fc.nat(65_535);
  fc.assert(
    fc.property(group, id, id, store, instance, (name, self, asked, storeId, start) => {
      const given = { group: name, id: self, store: storeId, instance: start };
      expect(decodeJoin(encodeJoin(given, asked))).toEqual({ ...given, asked });
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 21, maxLength: 148 }), (bytes) => {
      try {
        const { asked, ...join } = decodeJoin(bytes);
        expect(decodeJoin(encodeJoin(join, asked))).toEqual({ ...join, asked });
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

test('whatever a stranger says on a link, no other peer hears or suffers it', async () => {
  const one = await actor(1, { handshakeTimeoutMs: 200 });
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  const types = Object.keys(envelopeTypes) as (keyof typeof envelopeTypes)[];
  for (let seed = 0; seed < 150; seed++) {
    const random = seededRandom(seed);
    const { votes, bulk } = await strangeLink(one.address);
    for (let i = 0; i < 30 && !votes.closed; i++) {
      const type = types[random.below(types.length)] ?? 'frame';
      const number = 1 + random.below(6);
      const lane = random.below(4) === 0 ? bulk : votes;
      const identity = { group: 'stage', id: 1 + random.below(9), store: '0'.repeat(16) };
      const body =
        type === 'join'
          ? encodeJoin({ ...identity, instance: random.below(3) }, random.below(2))
          : Buffer.alloc([1, 4, 4, 0, 20, 2, 0, 0][envelopeTypes[type] - 1] ?? 0);
      const isOfNone = type === 'ping' || type === 'pong';
      lane.socket.write(envelopeOf(type, isOfNone ? 0 : number, body));
    }
    votes.socket.destroy();
    bulk.socket.destroy();
  }
  await until(() => one.up.size === 1, 'all strangers are gone');
  for (let id = 2; id < 10; id++) {
    const own = one.changes.filter((change) => change.endsWith(` ${id}`));
    own.forEach((change, i) => expect(change).toBe(`${i % 2 === 0 ? 'up' : 'down'} ${id}`));
  }
  expect(one.changes.filter((change) => change.endsWith(' 2'))).toEqual(['up 2']);
  two.send(1, 'still here');
  await until(() => one.texts.includes('still here'), 'a frame arrives');
});

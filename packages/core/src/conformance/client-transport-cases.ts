import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.ts';
import { clientEndingCases } from './client-transport-ending-cases.ts';
import {
  clientScene,
  filled,
  type OpenClientNetwork,
  type Party,
  type ClientStage,
} from './client-transport-stage.ts';
import { bytesOf, numbered, numberOf, until } from './transport-stage.ts';

type ClientCase = ConformanceCase<OpenClientNetwork>;

const KiB = 1024;

/** The first `count` numbers arrived, each once and in order. */
function inOrder(party: Party, count: number): void {
  assert.equal(party.frames.length, count);
  for (const [i, frame] of party.frames.entries()) assert.equal(numberOf(frame), i);
}

/** Sends numbered frames to a side that is paused until none goes any more; gives how many. */
async function stuffed(stage: ClientStage, from: Party, bytes: number): Promise<number> {
  // More than any kernel keeps for one connection.
  const bytesMax = 64 * KiB * KiB;
  const filler = new Uint8Array(bytes - 8);
  for (let sent = 0; sent * bytes < bytesMax; sent++) {
    if (from.connection.send([numbered(sent), filler])) continue;
    const { drains } = from;
    // What lies in between may take more of it yet.
    await stage.meanwhile(20);
    if (from.drains === drains) return sent;
    sent -= 1;
  }
  assert.fail(`${bytesMax} bytes went to a side that is paused`);
}

const frames: readonly ClientCase[] = [
  clientScene('a frame arrives once, whole and in order', async (stage) => {
    const [client, replica] = await stage.pair();
    const sizes = [1, 7, 8, 9, 64, 4_095, 16_383, 16_384, 65_527, 65_528, 65_536, 1 << 20];
    const sent = sizes.map((size, i) => new Uint8Array(size).map((_, at) => (at * 31 + i) & 0xff));
    for (const [from, to] of [
      [client, replica],
      [replica, client],
    ] as const) {
      for (const frame of sent) assert.equal(from.connection.send([frame]), true);
      await until(() => to.frames.length >= sent.length, 'all frames arrive');
      for (const [i, frame] of sent.entries()) {
        assert.ok(Buffer.compare(to.frames[i] ?? new Uint8Array(0), frame) === 0, `frame ${i}`);
      }
    }
    await stage.meanwhile();
    assert.deepEqual([client.frames.length, replica.frames.length], [sizes.length, sizes.length]);
  }),
  clientScene('no frame overtakes another, whatever their sizes', async (stage) => {
    const [client, replica] = await stage.pair();
    const count = 3_000;
    for (let i = 0; i < count; i++) {
      // Large ones among the small: they may take another way through the sender.
      const filler = i % 100 === 0 ? new Uint8Array(20_000) : new Uint8Array(i % 50);
      assert.equal(client.connection.send([numbered(i), filler]), true);
    }
    await until(() => replica.frames.length >= count, 'all frames arrive');
    inOrder(replica, count);
  }),
  clientScene('queues one frame, the parts one after the other', async (stage) => {
    const [client, replica] = await stage.pair();
    const parts = ['one ', '', 'frame ', 'x'.repeat(40_000), ' of parts'];
    assert.equal(client.connection.send(parts.map(bytesOf)), true);
    await until(() => replica.frames.length > 0, 'it arrives');
    assert.deepEqual(replica.texts, [parts.join('')]);
  }),
  clientScene(
    'a frame is 1 … frameBytesMax bytes long: RangeError',
    async (stage) => {
      const [client, replica] = await stage.pair();
      for (const from of [client, replica]) {
        assert.throws(() => from.connection.send([new Uint8Array(300_001)]), RangeError);
        assert.throws(
          () => from.connection.send([new Uint8Array(300_000), new Uint8Array(1)]),
          RangeError,
        );
        assert.throws(() => from.connection.send([]), RangeError);
        assert.throws(() => from.connection.send([new Uint8Array(0)]), RangeError);
      }
      const frame = new Uint8Array(300_000).map((_, at) => at % 251);
      assert.equal(client.connection.send([frame]), true);
      await until(() => replica.frames.length > 0, 'it arrives');
      assert.ok(Buffer.compare(replica.frames[0] ?? new Uint8Array(0), frame) === 0);
      assert.equal(client.isClosed, false);
    },
    { frameBytesMax: 300_000, sendQueueBytesMax: 1_000_000 },
  ),
  clientScene('frames of one turn go both ways at once', async (stage) => {
    const [client, replica] = await stage.pair();
    for (let i = 0; i < 500; i++) {
      assert.ok(client.connection.send([numbered(i)]));
      assert.ok(replica.connection.send([numbered(i)]));
    }
    await until(() => client.frames.length + replica.frames.length >= 1_000, 'all arrive');
    inOrder(client, 500);
    inOrder(replica, 500);
  }),
  clientScene('connections are apart', async (stage) => {
    const served = await stage.served();
    const pairs: (readonly [Party, Party])[] = [];
    for (let i = 0; i < 5; i++) pairs.push(await stage.connected(served));
    for (const [i, [client, replica]] of pairs.entries()) {
      client.send(`from ${i}`);
      replica.send(`to ${i}`);
    }
    await until(() => pairs.every((pair) => pair.every((p) => p.frames.length > 0)), 'all arrive');
    const [first] = pairs;
    first?.[0].connection.close();
    await until(() => first?.[1].isClosed === true, 'one ends');
    await stage.meanwhile();
    for (const [i, [client, replica]] of pairs.entries()) {
      assert.deepEqual([client.texts, replica.texts], [[`to ${i}`], [`from ${i}`]]);
      assert.equal(replica.isClosed, i === 0);
    }
  }),
];

const bounded = { sendQueueBytesMax: 256 * KiB, frameBytesMax: 100 * KiB };

const pressure: readonly ClientCase[] = [
  clientScene(
    'send returns false if more than sendQueueBytesMax would wait, and nothing was queued',
    async (stage) => {
      const [client, replica] = await stage.pair();
      let most = 0;
      for (let round = 0; round < 5; round++) {
        const before = replica.frames.length;
        const { drains } = client;
        const sent = filled(client, new Uint8Array(32 * KiB));
        most = Math.max(most, client.connection.queuedBytes);
        await until(() => client.drains > drains, 'a drain follows');
        await until(() => replica.frames.length >= before + sent, 'what was queued arrives');
        await until(() => client.connection.queuedBytes === 0, 'nothing waits any more');
        assert.equal(replica.frames.length, before + sent);
      }
      assert.ok(most <= bounded.sendQueueBytesMax, `${most} bytes waited`);
      assert.ok(most > bounded.sendQueueBytesMax / 2, 'something waited');
      await stage.meanwhile();
      assert.equal(client.drains, 5, 'one drain for one refusal');
    },
    bounded,
  ),
  clientScene(
    'whoever sends on at each drain loses nothing',
    async (stage) => {
      const [client, replica] = await stage.pair();
      const count = 2_000;
      const filler = new Uint8Array(5_000);
      let next = 0;
      const pump = (): void => {
        while (next < count && client.connection.send([numbered(next), filler])) next += 1;
      };
      client.whenTold = (what) => what === 'drain' && pump();
      pump();
      assert.ok(next < count, 'it was refused at least once');
      await until(() => replica.frames.length >= count, 'all frames arrive');
      inOrder(replica, count);
    },
    bounded,
  ),
  clientScene(
    'a drain means room for what was refused',
    async (stage) => {
      const [client, replica] = await stage.pair(({ connection }) => connection.pause());
      const sent = await stuffed(stage, client, 20 * KiB);
      const large = new Uint8Array(100 * KiB);
      let taken: boolean | undefined;
      client.whenTold = (what) => {
        if (what === 'drain') taken ??= client.connection.send([large]);
      };
      assert.equal(client.connection.send([large]), false);
      replica.connection.resume();
      await until(() => replica.frames.length > sent, 'all arrive');
      assert.equal(taken, true);
    },
    { sendQueueBytesMax: 120 * KiB, frameBytesMax: 100 * KiB },
  ),
  clientScene(
    'no more frames are taken in until resume',
    async (stage) => {
      const [client, replica] = await stage.pair(({ connection }) => connection.pause());
      const sent = await stuffed(stage, client, 32 * KiB);
      const taken = replica.frames.length;
      await stage.meanwhile();
      assert.equal(replica.frames.length, taken, 'it is paused');
      assert.ok(taken < sent, 'not everything had arrived');
      assert.equal(client.connection.send([new Uint8Array(32 * KiB)]), false);
      replica.connection.resume();
      await until(() => replica.frames.length >= sent, 'all arrive');
      inOrder(replica, sent);
    },
    bounded,
  ),
  clientScene('pause holds up one way of one connection', async (stage) => {
    const served = await stage.served();
    const [client, replica] = await stage.connected(served);
    const [another, itsReplica] = await stage.connected(served);
    replica.connection.pause();
    replica.connection.pause();
    client.send('held up');
    replica.send('the other way');
    another.send('another connection');
    await until(() => client.frames.length + itsReplica.frames.length === 2, 'others arrive');
    replica.connection.resume();
    replica.connection.resume();
    await until(() => replica.texts.includes('held up'), 'it arrives');
    client.send('after it');
    await until(() => replica.frames.length === 2, 'it goes on');
  }),
];

/** Each sentence of the port of connections between clients and replicas. */
export const clientTransportCases: readonly ClientCase[] = [
  ...frames,
  ...pressure,
  ...clientEndingCases,
];

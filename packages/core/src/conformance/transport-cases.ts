import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.ts';
import {
  type Actor,
  bytesOf,
  connected,
  exchanged,
  framesOf,
  introduce,
  isUp,
  knows,
  meanwhile,
  numbered,
  numberOf,
  type OpenTransports,
  Stage,
  storeOf,
  textOf,
  turn,
  until,
} from './transport-stage.ts';

export type { OpenedTransport, OpenTransports } from './transport-stage.ts';

type TransportCase = ConformanceCase<OpenTransports>;

function scene(name: string, play: (stage: Stage) => Promise<void>): TransportCase {
  return {
    name,
    async run(open) {
      const stage = new Stage(open);
      try {
        await play(stage);
      } finally {
        await stage.clear();
      }
    },
  };
}

const KiB = 1024;
const code = (wanted: string) => (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === wanted;

/** Fills a lane; gives how many frames it took. What a kernel takes on the way does not count. */
function fill(from: Actor, to: number, lane: 'votes' | 'bulk', frame: Uint8Array): number {
  const attemptsMax = 100_000;
  for (let sent = 0; sent < attemptsMax; sent++) {
    if (!from.endpoint.send(to, lane, [frame])) return sent;
  }
  assert.fail(`${attemptsMax} frames were queued and none was refused`);
}

const frames: readonly TransportCase[] = [
  scene('never changes, truncates, joins or invents a frame', async (stage) => {
    const [one, two] = await stage.pair();
    const sizes = [
      1,
      2,
      7,
      8,
      9,
      63,
      64,
      65,
      4_095,
      16_383,
      16_384,
      65_527,
      65_536,
      65_537,
      1 << 20,
    ];
    const sent = sizes.map((size, i) => new Uint8Array(size).map((_, at) => (at * 31 + i) & 0xff));
    for (const frame of sent) {
      assert.equal(one.endpoint.send(2, 'bulk', [frame]), true);
    }
    await until(() => framesOf(two).length >= sent.length, 'all frames arrive');
    await turn();
    // It may lose or repeat frames, so each that came has to be one that was sent.
    for (const frame of framesOf(two)) {
      const original = sent.find((candidate) => candidate.length === frame.length);
      assert.ok(original !== undefined, `a frame of ${frame.length} bytes was never sent`);
      assert.ok(Buffer.compare(original, frame) === 0, `${frame.length} bytes were changed`);
    }
  }),
  scene('a frame of frameBytesMax arrives', async (stage) => {
    const limits = { frameBytesMax: 300_000, sendQueueBytesMax: 1_000_000 };
    const [one, two] = await stage.pair(limits);
    const frame = new Uint8Array(limits.frameBytesMax).map((_, at) => at % 251);
    assert.equal(one.endpoint.send(2, 'votes', [frame]), true);
    await until(() => framesOf(two).length > 0, 'it arrives');
    assert.ok(Buffer.compare(framesOf(two)[0] ?? new Uint8Array(0), frame) === 0);
  }),
  scene('queues one frame, the parts one after the other', async (stage) => {
    const [one, two] = await stage.pair();
    const parts = ['one ', '', 'frame ', 'x'.repeat(40_000), ' of parts'];
    assert.equal(one.endpoint.send(2, 'votes', parts.map(bytesOf)), true);
    await until(() => framesOf(two).length > 0, 'it arrives');
    assert.equal(textOf(framesOf(two)[0] ?? new Uint8Array(0)), parts.join(''));
  }),
  scene('frames of one lane arrive in order if they arrive', async (stage) => {
    const [one, two] = await stage.pair();
    for (let i = 0; i < 2_000; i++) {
      // Large ones among the small: they may take another way through the sender.
      const filler = i % 100 === 0 ? new Uint8Array(20_000) : new Uint8Array(i % 50);
      assert.equal(one.endpoint.send(2, 'votes', [numbered(i), filler]), true);
    }
    await until(() => framesOf(two).some((f) => numberOf(f) === 1_999), 'the last one arrives');
    const order = framesOf(two).map(numberOf);
    assert.ok(
      order.every((n, i) => i === 0 || n >= (order[i - 1] ?? 0)),
      'not in order',
    );
  }),
  scene('who sent a frame, as its handshake said', async (stage) => {
    const [one, two] = await stage.pair();
    await exchanged(one, two, 'who?');
    const frame = two.seen.find((event) => event.kind === 'frame');
    assert.deepEqual(frame?.kind === 'frame' ? { ...frame.peer } : undefined, {
      id: 1,
      store: storeOf(1),
    });
  }),
  scene('frames go both ways, on both lanes', async (stage) => {
    const [one, two] = await stage.pair();
    await exchanged(one, two, 'votes there', 'votes');
    await exchanged(two, one, 'votes back', 'votes');
    await exchanged(one, two, 'bulk there', 'bulk');
    await exchanged(two, one, 'bulk back', 'bulk');
  }),
  scene('votes do not wait behind bulk', async (stage) => {
    const limits = { sendQueueBytesMax: 256 * KiB, frameBytesMax: 128 * KiB };
    const [one, two] = await stage.pair(limits);
    fill(one, 2, 'bulk', new Uint8Array(64 * KiB));
    assert.equal(one.endpoint.send(2, 'votes', [bytesOf('a vote')]), true);
    await until(() => framesOf(two).some((f) => textOf(f) === 'a vote'), 'the vote arrives');
  }),
];

const queues: readonly TransportCase[] = [
  scene(
    'send returns false when the queue is full, and drain tells when to go on',
    async (stage) => {
      const limits = { sendQueueBytesMax: 256 * KiB, frameBytesMax: 128 * KiB };
      const [one, two] = await stage.pair(limits);
      const taken = fill(one, 2, 'bulk', new Uint8Array(16 * KiB).fill(1));
      assert.ok(!one.seen.some((e) => e.kind === 'drain'), 'drain before there is room');
      await until(() => one.seen.some((e) => e.kind === 'drain' && e.to === 2), 'drain comes');
      assert.equal(one.endpoint.send(2, 'bulk', [bytesOf('the last')]), true);
      await until(() => framesOf(two).some((f) => textOf(f) === 'the last'), 'it arrives');
      // The frame that was refused is dropped, not sent later.
      assert.ok(framesOf(two).length <= taken + 1);
    },
  ),
  scene('queuedBytes is at most sendQueueBytesMax for each lane', async (stage) => {
    const limits = { sendQueueBytesMax: 256 * KiB, frameBytesMax: 128 * KiB };
    const [one] = await stage.pair(limits);
    fill(one, 2, 'bulk', new Uint8Array(16 * KiB));
    const bulk = one.endpoint.queuedBytes(2);
    assert.ok(bulk > 0 && bulk <= limits.sendQueueBytesMax, `${bulk} bytes on one lane`);
    fill(one, 2, 'votes', new Uint8Array(16 * KiB));
    const both = one.endpoint.queuedBytes(2);
    assert.ok(both > bulk && both <= 2 * limits.sendQueueBytesMax, `${both} bytes on two lanes`);
    await until(() => one.endpoint.queuedBytes(2) === 0, 'the queues empty');
    assert.equal(one.endpoint.queuedBytes(3), 0);
  }),
  scene('send returns false for a frame larger than frameBytesMax', async (stage) => {
    const limits = { frameBytesMax: 64 * KiB, sendQueueBytesMax: 1024 * KiB };
    const [one, two] = await stage.pair(limits);
    const half = new Uint8Array(32 * KiB);
    assert.equal(one.endpoint.send(2, 'votes', [half, half, bytesOf('x')]), false);
    // Every send that was refused is answered by a drain: nobody waits for nothing.
    await until(() => one.seen.some((e) => e.kind === 'drain'), 'drain comes');
    await exchanged(one, two, 'smaller');
    assert.deepEqual(
      framesOf(two).map((f) => f.length),
      ['smaller'.length],
    );
  }),
  scene(
    'send returns false for a peer that is down, and drain comes when it is up',
    async (stage) => {
      const one = await stage.actor({ id: 1 });
      assert.equal(one.endpoint.send(2, 'votes', [bytesOf('too early')]), false);
      assert.equal(one.endpoint.queuedBytes(2), 0);
      const two = await stage.actor({ id: 2 });
      introduce(one, two);
      await until(() => one.seen.some((e) => e.kind === 'drain' && e.to === 2), 'drain comes');
      const order = one.seen.map((e) => e.kind);
      assert.ok(order.indexOf('up') < order.indexOf('drain'), 'drain before up');
      await exchanged(one, two, 'now');
      assert.deepEqual(framesOf(two).map(textOf), ['now']);
    },
  ),
];

const connections: readonly TransportCase[] = [
  scene('up once both lanes work', async (stage) => {
    const [one, two] = await stage.pair();
    assert.equal(one.endpoint.send(2, 'votes', [bytesOf('v')]), true);
    assert.equal(one.endpoint.send(2, 'bulk', [bytesOf('b')]), true);
    await until(() => framesOf(two).length === 2, 'both arrive');
  }),
  scene('each pair has one connection, whoever knows whom', async (stage) => {
    const actors = await Promise.all([1, 2, 3, 4].map((id) => stage.actor({ id })));
    introduce(...actors);
    for (const a of actors) {
      for (const b of actors) if (a.local.id < b.local.id) await connected(a, b);
    }
    const [one, two] = actors;
    if (one !== undefined && two !== undefined) await meanwhile(one, two);
    for (const { seen, local } of actors) {
      const changes = seen.filter((e) => e.kind === 'up' || e.kind === 'down');
      assert.deepEqual(
        changes.map((e) => e.kind),
        ['up', 'up', 'up'],
        `${local.id} flapped`,
      );
    }
  }),
  scene('peers may come in that are not among them', async (stage) => {
    for (const [known, newcomer] of [
      [1, 2],
      [4, 3],
    ] as const) {
      const resident = await stage.actor({ id: known });
      const stranger = await stage.actor({ id: newcomer });
      knows(stranger, resident);
      await connected(resident, stranger);
      await exchanged(stranger, resident, 'let me in');
      await exchanged(resident, stranger, 'welcome');
    }
  }),
  scene('no frame of a peer comes before its up or after its down', async (stage) => {
    const one = await stage.actor({ id: 1 });
    for (let life = 0; life < 5; life++) {
      const two = await stage.actor({ id: 2, instance: 100 + life });
      knows(two, one);
      await exchanged(two, one, `life ${life}`);
      for (let i = 0; i < 100; i++) two.endpoint.send(1, 'votes', [bytesOf('last words')]);
      await two.transport.close();
      await until(() => !isUp(one, 2), 'it is down');
    }
    let up = false;
    for (const event of one.seen) {
      if (event.kind === 'up' || event.kind === 'down') {
        assert.notEqual(up, event.kind === 'up', `two ${event.kind} in a row`);
        up = event.kind === 'up';
      } else if (event.kind === 'frame') {
        assert.ok(up, 'a frame of a peer that is not up');
      }
    }
  }),
  scene('keeps a connection: a peer that starts again is connected again', async (stage) => {
    const [one, two] = await stage.pair();
    two.endpoint.close();
    await until(() => !isUp(one, 2), 'it is down');
    assert.equal(one.endpoint.send(2, 'votes', [bytesOf('lost')]), false);
    const again = await stage.actor({ id: 2 }, { opened: two });
    await connected(one, again);
    await exchanged(one, again, 'again');
  }),
];

const refusals: readonly TransportCase[] = [
  scene('a peer of another group is refused', async (stage) => {
    const [one, two] = await stage.pair();
    const other = await stage.actor({ id: 3, group: 'another' });
    knows(other, one, two);
    knows(one, two, other);
    await meanwhile(one, two);
    assert.deepEqual(other.seen, []);
    assert.ok(!isUp(one, 3) && !isUp(two, 3));
  }),
  scene('a peer with an id that is not the one asked for is refused', async (stage) => {
    const [one, two] = await stage.pair();
    const three = await stage.actor({ id: 3 });
    one.endpoint.peers([
      { id: 2, addresses: two.addresses },
      { id: 7, addresses: three.addresses },
    ]);
    await meanwhile(one, two);
    assert.ok(!isUp(one, 7) && !isUp(one, 3));
    assert.deepEqual(three.seen, []);
  }),
  scene('a peer with our own id is refused', async (stage) => {
    const [one, two] = await stage.pair();
    const twin = await stage.actor({ id: 1, store: storeOf(77) });
    twin.endpoint.peers([{ id: 2, addresses: one.addresses }]);
    await meanwhile(one, two);
    assert.deepEqual(twin.seen, []);
    assert.ok(!isUp(one, 1));
  }),
  scene('a peer with the id of a live peer of another store is refused', async (stage) => {
    const [one, two] = await stage.pair();
    const twin = await stage.actor({ id: 2, store: storeOf(77) });
    knows(twin, one);
    await meanwhile(one, two);
    assert.deepEqual(twin.seen, []);
    await two.transport.close();
    // The id is free now, for a store of another name as well: what it may do is not our business.
    await connected(one, twin);
    const last = one.seen.findLast((event) => event.kind === 'up');
    assert.equal(last?.kind === 'up' ? last.peer.store : '', storeOf(77));
  }),
  scene('a peer with the id of a live peer of another instance is refused', async (stage) => {
    const [one, two] = await stage.pair();
    const twin = await stage.actor({ id: 2, instance: 77 });
    knows(twin, one);
    await meanwhile(one, two);
    assert.deepEqual(twin.seen, []);
    await two.transport.close();
    await connected(one, twin);
  }),
];

const groups: readonly TransportCase[] = [
  scene('moves frames for many groups', async (stage) => {
    const [here, there] = [await stage.transport(), await stage.transport()];
    const pairs: (readonly [Actor, Actor])[] = [];
    for (const group of ['one', 'two', 'drei €']) {
      const one = await stage.actor({ id: 1, group }, { opened: here });
      const two = await stage.actor({ id: 2, group }, { opened: there });
      introduce(one, two);
      pairs.push([one, two]);
    }
    for (const [one, two] of pairs) await exchanged(one, two, `in ${one.local.group}`);
    for (const [one, two] of pairs) {
      assert.deepEqual(framesOf(two).map(textOf), [`in ${one.local.group}`]);
    }
  }),
  scene(
    'RSL_INVALID_OPTION if this transport already serves a group of that name',
    async (stage) => {
      const opened = await stage.transport();
      const first = await stage.actor({ id: 1 }, { opened });
      await assert.rejects(stage.actor({ id: 2 }, { opened }), code('RSL_INVALID_OPTION'));
      first.endpoint.close();
      await stage.actor({ id: 1 }, { opened });
    },
  ),
];

const endings: readonly TransportCase[] = [
  scene('the address is there once it listens', async (stage) => {
    const { transport } = await stage.transport();
    assert.ok(transport.address.length > 0);
  }),
  scene('closing a transport closes every endpoint; no event comes after it', async (stage) => {
    const [one, two] = await stage.pair();
    two.endpoint.send(1, 'votes', [bytesOf('too late')]);
    const closing = one.transport.close();
    const seen = one.seen.length;
    await closing;
    await until(() => !isUp(two, 1), 'the other side notices');
    for (let i = 0; i < 50; i++) await turn();
    assert.equal(one.seen.length, seen);
    assert.equal(one.endpoint.send(2, 'votes', [bytesOf('x')]), false);
    assert.equal(one.endpoint.queuedBytes(2), 0);
  }),
  scene('a second close does nothing', async (stage) => {
    const [one] = await stage.pair();
    one.endpoint.close();
    one.endpoint.close();
    await Promise.all([one.transport.close(), one.transport.close()]);
    await one.transport.close();
    one.endpoint.close();
  }),
  scene('closing an endpoint leaves the other groups alone', async (stage) => {
    const [here, there] = [await stage.transport(), await stage.transport()];
    const one = await stage.actor({ id: 1, group: 'stays' }, { opened: here });
    const two = await stage.actor({ id: 2, group: 'stays' }, { opened: there });
    const oneGoes = await stage.actor({ id: 1, group: 'goes' }, { opened: here });
    const twoGoes = await stage.actor({ id: 2, group: 'goes' }, { opened: there });
    introduce(one, two);
    introduce(oneGoes, twoGoes);
    await connected(one, two);
    await connected(oneGoes, twoGoes);
    oneGoes.endpoint.close();
    await until(() => !isUp(twoGoes, 1), 'the other side notices');
    await exchanged(one, two, 'still here');
    assert.ok(!one.seen.some((event) => event.kind === 'down'));
  }),
];

/** The sentences of the port's comments, as cases. */
export const transportCases: readonly TransportCase[] = [
  ...frames,
  ...queues,
  ...connections,
  ...refusals,
  ...groups,
  ...endings,
];

import assert from 'node:assert/strict';
import { FrameError } from '../errors.ts';
import type { ConformanceCase } from './case.ts';
import { clientScene, type OpenClientNetwork, Party } from './client-transport-stage.ts';
import { numbered, numberOf, until } from './transport-stage.ts';

type ClientCase = ConformanceCase<OpenClientNetwork>;

const coded = (wanted: string) => (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === wanted;

const beginnings: readonly ClientCase[] = [
  clientScene('open is told once it stands, and nothing before connect returns', async (stage) => {
    const { listener, parties } = await stage.served();
    const client = stage.dial(listener.address);
    assert.deepEqual(client.told, []);
    assert.equal(client.send('too early'), false);
    await until(() => client.told.length > 0, 'it is told');
    assert.deepEqual(client.told, ['open']);
    assert.equal(parties.length, 1, 'the replica has taken it in');
    await stage.meanwhile();
    assert.deepEqual(parties[0]?.told, []);
    assert.equal(client.connection.remote, listener.address);
    assert.notEqual(parties[0]?.connection.remote, '');
  }),
  clientScene('what a replica sends while it takes one in comes after open', async (stage) => {
    const { listener } = await stage.served((party) => party.send('welcome'));
    const client = stage.dial(listener.address);
    await until(() => client.frames.length > 0, 'it arrives');
    assert.deepEqual(client.told, ['open', 'frame']);
    assert.deepEqual(client.texts, ['welcome']);
  }),
  clientScene('what a client sends as it hears open arrives', async (stage) => {
    const { listener, parties } = await stage.served();
    const client = new Party();
    client.whenTold = (what) => what === 'open' && client.send('hello');
    stage.dial(listener.address, client);
    await until(() => parties[0]?.texts[0] === 'hello', 'it arrives');
  }),
  clientScene('closed is told if it does not come to open', async (stage) => {
    const listener = await stage.listener();
    const { address } = listener;
    await listener.close();
    const client = stage.dial(address);
    assert.deepEqual(client.told, []);
    await until(() => client.told.length > 0, 'it is told');
    assert.deepEqual(client.told, ['closed']);
    assert.ok(client.error instanceof Error);
    assert.equal(client.send('to nobody'), false);
  }),
  clientScene('an address that is none is closed with an error', async (stage) => {
    const client = stage.dial('no address');
    assert.deepEqual(client.told, []);
    await until(() => client.told.length > 0, 'it is told');
    assert.deepEqual(client.told, ['closed']);
    assert.ok(client.error instanceof Error);
  }),
  clientScene('takes connections in from serve on, and none before', async (stage) => {
    const listener = await stage.listener();
    const early = stage.dial(listener.address);
    await until(() => early.told.length > 0, 'the end of the first is heard');
    assert.deepEqual(early.turns, ['closed']);
    const parties: Party[] = [];
    listener.serve((connection) => {
      const party = new Party();
      party.connection = connection;
      parties.push(party);
      return party.on;
    });
    const late = stage.dial(listener.address);
    await until(() => late.turns.includes('open'), 'the second is in');
    assert.equal(parties.length, 1);
    assert.throws(() => listener.serve(() => new Party().on));
  }),
  clientScene('a client that closes before open hears nothing', async (stage) => {
    const { listener, parties } = await stage.served();
    const client = stage.dial(listener.address);
    client.connection.close();
    client.connection.close();
    await stage.meanwhile();
    assert.deepEqual(client.told, []);
    await until(() => parties.every((party) => party.isClosed), 'no connection is left of it');
  }),
  clientScene('an address in use is RSL_LISTEN_FAILED, and free after close', async (stage) => {
    const listener = await stage.listener();
    await assert.rejects(stage.listener(listener.address), coded('RSL_LISTEN_FAILED'));
    await listener.close();
    const again = await stage.listener(listener.address);
    assert.equal(again.address, listener.address);
  }),
];

const endings: readonly ClientCase[] = [
  ...(['client', 'replica'] as const).map((closer) =>
    clientScene(`what is queued is sent before a ${closer}'s end`, async (stage) => {
      const [client, replica] = await stage.pair();
      const [from, to] = closer === 'client' ? [client, replica] : [replica, client];
      for (let i = 0; i < 200; i++) assert.ok(from.connection.send([numbered(i)]));
      from.connection.close();
      await until(() => to.isClosed, 'the end is heard');
      assert.deepEqual(to.frames.map(numberOf), [...numbers(200)]);
      assert.equal(to.error, undefined);
      assert.equal(to.told.at(-1), 'closed');
      assert.ok(!from.isClosed, 'it is not told to whoever closed it');
    }),
  ),
  ...(['client', 'replica'] as const).map((closer) =>
    clientScene(`no event comes after a ${closer}'s close`, async (stage) => {
      const [client, replica] = await stage.pair();
      const [from, to] = closer === 'client' ? [replica, client] : [client, replica];
      to.whenTold = () => to.frames.length === 3 && to.connection.close();
      for (let i = 0; i < 100; i++) from.connection.send([numbered(i)]);
      await until(() => from.isClosed, 'the end is heard');
      await stage.meanwhile();
      assert.deepEqual(to.frames.map(numberOf), [0, 1, 2]);
      assert.ok(!to.isClosed);
      assert.equal(to.send('too late'), false);
      assert.equal(to.connection.queuedBytes, 0);
    }),
  ),
  clientScene('nothing comes after closed, and it is told once', async (stage) => {
    const [client, replica] = await stage.pair();
    client.connection.close();
    client.connection.close();
    await until(() => replica.isClosed, 'the end is heard');
    assert.equal(replica.send('too late'), false);
    replica.connection.pause();
    replica.connection.resume();
    replica.connection.close();
    await stage.meanwhile();
    assert.deepEqual(replica.told, ['closed']);
    assert.deepEqual(client.told, ['open']);
  }),
  clientScene('both may close at once', async (stage) => {
    const [client, replica] = await stage.pair();
    client.connection.close();
    replica.connection.close();
    await stage.meanwhile();
    assert.deepEqual([client.turns, replica.turns], [['open'], []]);
  }),
  clientScene('a side that is paused can close', async (stage) => {
    const [client, replica] = await stage.pair();
    replica.connection.pause();
    for (let i = 0; i < 50; i++) client.connection.send([new Uint8Array(10_000)]);
    await stage.meanwhile();
    const taken = replica.frames.length;
    replica.connection.close();
    await until(() => client.isClosed, 'the end is heard');
    assert.equal(replica.frames.length, taken);
    assert.ok(!replica.isClosed);
  }),
  ...[new Error('the receiver fails'), new FrameError('not a frame of ours')].map((error) =>
    clientScene(`if frame throws ${error.name}, the connection is closed`, async (stage) => {
      const served = await stage.served();
      const [client, replica] = await stage.connected(served);
      const [bystander, itsReplica] = await stage.connected(served);
      replica.whenTold = (what) => {
        if (what === 'frame') throw error;
      };
      for (let i = 0; i < 5; i++) client.connection.send([numbered(i)]);
      await until(() => replica.told.length > 1, 'the replica hears the end');
      assert.deepEqual(replica.told, ['frame', 'closed']);
      await until(() => client.isClosed, 'the client hears the end');
      assert.equal(replica.error, error);
      bystander.send('still here');
      await until(() => itsReplica.frames.length === 1, 'others go on');
    }),
  ),
  clientScene('a listener that closes ends every connection, untold itself', async (stage) => {
    const served = await stage.served();
    const pairs = [await stage.connected(served), await stage.connected(served)];
    for (const [client] of pairs) client.send('on its way');
    const closing = served.listener.close();
    await Promise.all([closing, served.listener.close()]);
    await until(() => pairs.every(([client]) => client.isClosed), 'clients hear the end');
    await stage.meanwhile();
    for (const [, replica] of pairs) assert.deepEqual(replica.told, []);
    const late = stage.dial(served.listener.address);
    await until(() => late.isClosed, 'nobody is there any more');
    assert.deepEqual(late.turns, ['closed']);
  }),
];

const numbers = (count: number): Iterable<number> => Array.from({ length: count }).keys();

/** How connections begin and end. */
export const clientEndingCases: readonly ClientCase[] = [...beginnings, ...endings];

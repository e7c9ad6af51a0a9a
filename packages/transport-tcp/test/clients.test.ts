import { FrameError } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { encodeClientHello } from '../src/client-handshake.ts';
import { envelopeBytes, envelopeTypes, writeEnvelope } from '../src/framing.ts';
import { encodeGreeting } from '../src/handshake.ts';
import { clear, strangeHello, Stranger, until } from './actors.ts';
import {
  clearClients,
  dialer,
  frameOf,
  greetingStranger,
  helloOfStranger,
  met,
  service,
  StrangeServer,
} from './client-actors.ts';

afterEach(async () => {
  await clearClients();
  await clear();
});

test('what does not greet like a client is closed, counted, and logged once', async () => {
  const replica = await service();
  const strange = [
    Buffer.from('GET / HTTP/1.1\r\n'),
    encodeGreeting(strangeHello),
    encodeClientHello({ frameBytesMax: 0 }),
  ];
  for (const [i, bytes] of strange.entries()) {
    const stranger = new Stranger(replica.address);
    stranger.socket.write(bytes);
    await until(() => stranger.closed, 'it is closed');
    expect(stranger.received.length).toBe(0);
    expect(replica.count('invalid.handshake')).toBe(i + 1);
  }
  expect(replica.parties).toEqual([]);
  const warnings = replica.lines.filter(({ level }) => level === 'warn');
  expect(warnings.map(({ fields }) => fields['code'])).toEqual(['RSL_FRAME_INVALID']);
});

test('frames in the same segment as a hello arrive', async () => {
  const replica = await service();
  const stranger = new Stranger(replica.address);
  stranger.socket.write(Buffer.concat([helloOfStranger, frameOf('one'), frameOf('two')]));
  await until(() => replica.parties[0]?.told.length === 2, 'both arrive');
  expect(replica.parties[0]?.told).toEqual(['one', 'two']);
});

test('a frame longer than frameBytesMax closes the connection with FrameError', async () => {
  const replica = await service({ frameBytesMax: 1_000 });
  const envelope = Buffer.alloc(envelopeBytes);
  for (const [reason, type, length] of [
    ['length', envelopeTypes.frame, 1_001],
    ['length', envelopeTypes.ping, 1_000],
    ['type', 77, 4],
  ] as const) {
    const stranger = await greetingStranger(replica.address);
    const before = replica.count(`invalid.${reason}`);
    writeEnvelope(envelope, 0, type, 0, length);
    stranger.socket.write(Buffer.concat([frameOf('x'.repeat(1_000)), envelope]));
    await until(() => stranger.closed, 'it is closed');
    const party = replica.parties.at(-1);
    expect(party?.told).toEqual(['x'.repeat(1_000), 'closed']);
    expect(party?.error).toBeInstanceOf(FrameError);
    expect(replica.count(`invalid.${reason}`)).toBe(before + 1);
  }
});

test('half a frame, then the end: closed without a frame and without an error', async () => {
  const replica = await service();
  const stranger = await greetingStranger(replica.address);
  stranger.socket.end(frameOf('never whole').subarray(0, 12));
  await until(() => replica.parties[0]?.isClosed === true, 'it is closed');
  expect(replica.parties[0]?.told).toEqual(['closed']);
  expect(replica.parties[0]?.error).toBeUndefined();
});

test('a reset is an error', async () => {
  const replica = await service();
  const stranger = await greetingStranger(replica.address);
  stranger.socket.resetAndDestroy();
  await until(() => replica.parties[0]?.isClosed === true, 'it is closed');
  expect(replica.parties[0]?.error).toMatchObject({ code: 'ECONNRESET' });
});

test('the side that takes less bounds the frames of both', async () => {
  const replica = await service({ frameBytesMax: 100 });
  const [client, party] = await met(dialer(), replica);
  for (const side of [client, party]) {
    expect(() => side.send('x'.repeat(101))).toThrow(RangeError);
    expect(side.send('x'.repeat(100))).toBe(true);
  }
  await until(() => party.told.length === 1 && client.told.length === 2, 'both arrive');
});

test('further connections than connectionsMax are closed at once and counted', async () => {
  const replica = await service({ connectionsMax: 2 });
  const clients = dialer();
  const [first] = await met(clients, replica);
  // A stranger counts: it holds a socket like anybody.
  const stranger = new Stranger(replica.address);
  await until(() => replica.count('accepts') === 2, 'two are in');
  const third = clients.dial(replica.address);
  await until(() => third.told.length > 0, 'the third is closed');
  expect(third.told).toEqual(['closed']);
  expect(third.error).toBeInstanceOf(Error);
  expect(replica.count('refused.too-many-connections')).toBe(1);
  expect(first.told).toEqual(['open']);
  first.connection.close();
  stranger.socket.destroy();
  await until(() => replica.parties[0]?.isClosed === true, 'the first has gone');
  let fourth = clients.dial(replica.address);
  await until(() => {
    if (fourth.isClosed) fourth = clients.dial(replica.address);
    return fourth.told.includes('open');
  }, 'there is room again');
});

test('what was queued in one turn leaves in one write', async () => {
  const strange = await StrangeServer.open();
  try {
    const client = dialer().dial(strange.address);
    await until(() => strange.chunks.length === 1, 'its hello came');
    strange.sockets[0]?.write(helloOfStranger);
    await until(() => client.told.includes('open'), 'it is connected');
    for (let i = 0; i < 200; i++) client.send('a frame of twenty b.');
    expect(client.connection.queuedBytes).toBe(200 * (envelopeBytes + 20));
    await until(() => strange.chunks.length > 1, 'they came');
    expect(strange.chunks[1]?.length).toBe(200 * (envelopeBytes + 20));
  } finally {
    await strange.close();
  }
});

test('names are resolved, and IPv6 and port 0 listened on', async () => {
  const clients = dialer();
  const six = await service({ address: '[::1]:0' });
  expect(six.address).toMatch(/^\[::1\]:[1-9]\d*$/);
  const [client, party] = await met(clients, six);
  expect(client.connection.remote).toBe(six.address);
  expect(party.connection.remote).toMatch(/^\[::1\]:[1-9]\d*$/);
  const four = await service();
  const named = four.address.replace('127.0.0.1', 'localhost');
  const [byName] = await met(clients, four, named);
  expect(byName.connection.remote).toBe(named);
});

test('half of the queue is free, and no drain: what was refused would not fit', async () => {
  const [MiB, turn] = [1 << 20, () => new Promise((resolve) => setImmediate(resolve))];
  const bounds = { frameBytesMax: 7 * MiB, sendQueueBytesMax: 8 * MiB };
  const replica = await service(bounds);
  const [client, party] = await met(dialer(bounds), replica);
  party.connection.pause();
  // Until the kernel takes no more, and less than half of the queue is used.
  for (let calm = 0; calm < 100; calm++) {
    while (client.connection.queuedBytes < 3 * MiB) {
      client.connection.send([new Uint8Array(MiB)]);
      calm = 0;
    }
    await turn();
  }
  expect(client.connection.queuedBytes).toBeLessThan(4 * MiB);
  const large = [new Uint8Array(7 * MiB)];
  expect(client.connection.send(large)).toBe(false);
  let taken: boolean | undefined;
  client.on.drain = () => {
    taken ??= client.connection.send(large);
  };
  party.connection.resume();
  await until(() => taken !== undefined, 'a drain comes');
  expect(taken).toBe(true);
});

import { afterEach, expect, test } from 'vitest';
import { type TcpConnectorOptions, tcpConnector, tcpListener } from '../src/index.ts';
import { clear, Stranger, until, Wire } from './actors.ts';
import {
  clearClients,
  dialer,
  greetingStranger,
  HandClock,
  met,
  service,
  StrangeServer,
} from './client-actors.ts';

afterEach(async () => {
  await clearClients();
  await clear();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time passes, and whatever it makes anybody send arrives. */
async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 25) {
    clock.pass(25);
    for (let i = 0; i < 20; i++) await turn();
  }
}

/** Time passes until nobody ticks but these; lingering sockets are destroyed on the way. */
async function ticking(clock: HandClock, only: number): Promise<void> {
  for (let i = 0; i < 1_000 && clock.ticking.size > only; i++) await pass(clock, 25);
  expect(clock.ticking.size).toBe(only);
}

const silence = { pingIntervalMs: 100, deadAfterMs: 400 };

test('a stranger who says nothing is closed after handshakeTimeoutMs', async () => {
  const clock = new HandClock();
  const replica = await service({ clock, handshakeTimeoutMs: 200 });
  const silent = new Stranger(replica.address);
  const half = new Stranger(replica.address);
  half.socket.write('RSLC');
  await until(() => replica.count('accepts') === 2, 'both are in');
  await pass(clock, 150);
  expect([silent.closed, half.closed]).toEqual([false, false]);
  await pass(clock, 75);
  await until(() => silent.closed && half.closed, 'both are closed');
  expect(replica.count('handshakesTimedOut')).toBe(2);
});

test('a dial that nobody answers is closed after handshakeTimeoutMs', async () => {
  const strange = await StrangeServer.open();
  try {
    const clock = new HandClock();
    const clients = dialer({ clock, handshakeTimeoutMs: 200 });
    const client = clients.dial(strange.address);
    await until(() => strange.chunks.length === 1, 'its hello came');
    await pass(clock, 150);
    expect(client.told).toEqual([]);
    await pass(clock, 75);
    expect(client.told).toEqual(['closed']);
    expect(client.error?.message).toMatch(/no connection within 200 ms/);
    expect(clients.connector.counters()['handshakesTimedOut']).toBe(1);
  } finally {
    await strange.close();
  }
});

test('a side that is silent is asked, and closed after deadAfterMs', async () => {
  const clock = new HandClock();
  const replica = await service({ clock, ...silence });
  const wire = await Wire.to(replica.address);
  const [client, party] = await met(dialer({ clock, ...silence }), replica, wire.address);
  // Both answer for as long as the wire stands.
  await pass(clock, 2_000);
  expect([client.told, party.told]).toEqual([['open'], []]);
  wire.goDead();
  await pass(clock, 350);
  expect([client.isClosed, party.isClosed]).toEqual([false, false]);
  await pass(clock, 200);
  expect([client.told, party.told]).toEqual([['open', 'closed'], ['closed']]);
  expect(client.error?.message).toMatch(/silent for 400 ms/);
  expect(party.error?.message).toMatch(/silent for 400 ms/);
});

test('whoever is paused is not taken for dead, and takes nobody for dead', async () => {
  const clock = new HandClock();
  const replica = await service({ clock, ...silence });
  const [client, party] = await met(dialer({ clock, ...silence }), replica);
  party.connection.pause();
  client.send('held up');
  await pass(clock, 2_000);
  expect([client.told, party.told]).toEqual([['open'], []]);
  // Nor if both are.
  client.connection.pause();
  await pass(clock, 2_000);
  expect([client.told, party.told]).toEqual([['open'], []]);
  client.connection.resume();
  party.connection.resume();
  await until(() => party.told.length > 0, 'it arrives');
  await pass(clock, 1_000);
  expect([client.told, party.told]).toEqual([['open'], ['held up']]);
});

test('whoever was paused and has gone is noticed', async () => {
  const clock = new HandClock();
  const replica = await service({ clock, ...silence });
  const stranger = await greetingStranger(replica.address);
  const [party] = replica.parties;
  party?.connection.pause();
  stranger.socket.resetAndDestroy();
  await pass(clock, 300);
  await until(() => party?.isClosed === true, 'it is noticed');
});

test('nothing is left once everything is closed: no socket, no timer, no server', async () => {
  const held = (): string[] =>
    process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name));
  const before = held().length;
  const clock = new HandClock();
  const replica = await service({ clock, handshakeTimeoutMs: 200 });
  const clients = dialer({ clock, handshakeTimeoutMs: 200 });
  for (let i = 0; i < 20; i++) {
    const [client, party] = await met(clients, replica);
    party.connection.pause();
    for (let n = 0; n < 10; n++) client.send('x'.repeat(10_000));
    if (i % 2 === 0) client.connection.close();
    else party.connection.close();
    clients.dial(replica.address).connection.close();
    clients.dial('127.0.0.1:1');
    clients.dial('no address');
  }
  await met(clients, replica);
  const strangers = [new Stranger(replica.address), new Stranger(replica.address)];
  await until(() => strangers.every(({ socket }) => !socket.connecting), 'they are connected');
  expect(clock.ticking.size).toBe(2);
  const closing = replica.listener.close();
  await clearClients();
  await ticking(clock, 0);
  await closing;
  await until(() => held().length <= before, `only what was there before: ${held().join()}`);
});

test('a connector that was idle ticks again', async () => {
  const clock = new HandClock();
  const replica = await service({ clock });
  const clients = dialer({ clock, ...silence });
  for (let i = 0; i < 3; i++) {
    const [client, party] = await met(clients, replica);
    expect(clock.ticking.size).toBe(2);
    client.connection.close();
    await until(() => party.isClosed, 'its end is heard');
    await ticking(clock, 1);
  }
});

const invalid = (option: string) => expect.objectContaining({ code: 'RSL_INVALID_OPTION', option });

test('options of both sides are checked when they are given', () => {
  const connector = (options: object) => () => tcpConnector(options as TcpConnectorOptions);
  const listener = (options: object, address = '127.0.0.1:0') => {
    return () => tcpListener(address, options);
  };
  for (const side of [connector, listener]) {
    expect(side({ handshakeTimeoutMs: 49 })).toThrow(/handshakeTimeoutMs: .* 50 … 600000/);
    expect(side({ deadAfterMs: 999 })).toThrow(invalid('pingIntervalMs'));
    expect(side({ frameBytesMax: 0 })).toThrow(invalid('frameBytesMax'));
    expect(side({ frameBytesMax: 100, sendQueueBytesMax: 107 })).toThrow(
      invalid('sendQueueBytesMax'),
    );
    expect(side({ frameBytesMax: 100, sendQueueBytesMax: 108 })).not.toThrow();
    expect(side({ frameBytes: 100 })).toThrow(/no option of that name/);
  }
  expect(listener({ connectionsMax: 0 })).toThrow(invalid('connectionsMax'));
  expect(connector({ connectionsMax: 1 })).toThrow(invalid('connectionsMax'));
  expect(listener({}, '7501')).toThrow(invalid('listen'));
  expect(listener({}, '0.0.0.0:0')).toThrow(/tcpListener\('0.0.0.0:0', { allowPlaintext: true }\)/);
  expect(listener({ allowPlaintext: true }, '0.0.0.0:0')).not.toThrow();
});

test('what the replica bounds is the bound of a listener that is told none', async () => {
  const { context } = await import('./context.ts');
  const limits = { frameBytesMax: 1_000, sendQueueBytesMax: 2_000 };
  const listener = await tcpListener('127.0.0.1:0').open(context({ limits }));
  expect(listener.limits).toMatchObject(limits);
  await listener.close();
  // Room for one frame with its envelope, also if the replica's own queue has none.
  const tight = { frameBytesMax: 1_000, sendQueueBytesMax: 1_000 };
  const another = await tcpListener('127.0.0.1:0').open(context({ limits: tight }));
  expect(another.limits.sendQueueBytesMax).toBe(1_008);
  await another.close();
});

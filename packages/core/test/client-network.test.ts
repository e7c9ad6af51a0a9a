import { clientTransportCases } from '@rsl/core/conformance';
import { type ClientTransportLimits, defaultLimits, silentLogger } from '@rsl/core';
import { MemoryClientNetwork, SeededRandom } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { Party } from '../src/conformance/client-transport-stage.ts';
import { systemClock } from '../src/host/system-clock.ts';
import { EventQueue } from '../src/testing/event-queue.ts';

const context = (limits: Partial<ClientTransportLimits> = {}) => ({
  group: 'kit',
  self: 1,
  limits: { ...defaultLimits, ...limits },
  clock: systemClock,
  random: new SeededRandom(1),
  logger: silentLogger,
});

describe('the memory client network', () => {
  for (const { name, run } of clientTransportCases) {
    test(name, () => {
      const network = new MemoryClientNetwork();
      let opened = 0;
      return run((limits) => ({
        listen(address) {
          opened += 1;
          return network.listener(address ?? `memory:${opened}`).open(context(limits));
        },
        connector: network.connector(systemClock, { ...defaultLimits, ...limits }),
      }));
    });
  }
});

/** A network whose time passes when it is told to. */
class Simulated {
  readonly queue = new EventQueue();
  nowMs = 0;
  readonly network: MemoryClientNetwork;
  readonly parties: Party[] = [];

  constructor(delayMs: () => number = () => 1) {
    const later = (ms: number, run: () => void): void => this.queue.push(this.nowMs + ms, run);
    this.network = new MemoryClientNetwork({ later, delayMs });
  }

  async listen(address: string, limits?: Partial<ClientTransportLimits>): Promise<void> {
    const listener = await this.network.listener(address).open(context(limits));
    listener.serve((connection) => {
      const party = new Party();
      party.connection = connection;
      this.parties.push(party);
      return party.on;
    });
  }

  dial(address: string, limits: Partial<ClientTransportLimits> = {}): Party {
    const client = new Party();
    const connector = this.network.connector(undefined, { ...defaultLimits, ...limits });
    client.connection = connector.connect(address, client.on);
    return client;
  }

  run(throughMs: number): void {
    for (let next = this.queue.first; next !== undefined; next = this.queue.first) {
      if (next.atMs > throughMs) break;
      this.nowMs = next.atMs;
      this.queue.pop();
      next.run();
    }
    this.nowMs = throughMs;
  }
}

test('the order stays whatever each frame takes, and time passes only when told to', async () => {
  const random = new SeededRandom(7);
  const world = new Simulated(() => random.below(20));
  await world.listen('a');
  const client = world.dial('a');
  world.run(100);
  const [replica] = world.parties;
  const sent = Array.from({ length: 200 }, (_, i) => `frame ${i}`);
  for (const text of sent) expect(client.send(text)).toBe(true);
  expect(replica?.texts).toEqual([]);
  world.run(109);
  expect(replica?.frames.length).toBeLessThan(sent.length);
  client.connection.close();
  world.run(200);
  expect(replica?.texts).toEqual(sent);
  expect(replica?.told.at(-1)).toBe('closed');
});

test('what breaks takes with it what was on its way, in both directions', async () => {
  const world = new Simulated(() => 10);
  await world.listen('a');
  await world.listen('b');
  const [one, two, other] = [world.dial('a'), world.dial('a'), world.dial('b')];
  world.run(50);
  const [toOne, toTwo, toOther] = world.parties;
  for (const party of [one, two, other, toOne, toTwo, toOther]) party?.send('arrives');
  world.run(70);
  for (const party of [one, two, other, toOne, toTwo, toOther]) party?.send('under way');
  expect(world.network.connectionsOf('a')).toBe(2);
  world.network.break('a');
  expect(world.network.connectionsOf('a')).toBe(0);
  world.run(200);
  for (const party of [one, two, toOne, toTwo]) {
    expect(party?.texts).toEqual(['arrives']);
    expect(party?.told.at(-1)).toBe('closed');
    expect(party?.error).toBeInstanceOf(Error);
  }
  for (const party of [other, toOther]) expect(party?.texts).toEqual(['arrives', 'under way']);
  // The listener is still there.
  const again = world.dial('a');
  world.run(300);
  expect(again.told).toEqual(['open']);
});

test('what breaks after its client has closed loses what that client had sent', async () => {
  const world = new Simulated(() => 10);
  await world.listen('a');
  const client = world.dial('a');
  world.run(50);
  client.send('lost');
  client.connection.close();
  world.network.break('a');
  world.run(100);
  expect(world.parties[0]?.told).toEqual(['closed']);
  expect(world.parties[0]?.error).toBeInstanceOf(Error);
  expect(client.told).toEqual(['open']);
});

test('the side that takes less bounds the frames of both', async () => {
  const world = new Simulated();
  await world.listen('a', { frameBytesMax: 100 });
  const client = world.dial('a');
  world.run(10);
  const [replica] = world.parties;
  for (const party of [client, replica]) {
    expect(() => party?.connection.send([new Uint8Array(101)])).toThrow(RangeError);
    expect(party?.connection.send([new Uint8Array(100)])).toBe(true);
  }
});

test('frames are copies: whoever keeps what it has sent sees no change', async () => {
  const world = new Simulated();
  await world.listen('a');
  const client = world.dial('a');
  world.run(10);
  const bytes = new TextEncoder().encode('before');
  client.connection.send([bytes]);
  bytes.fill(0);
  world.run(20);
  expect(world.parties[0]?.texts).toEqual(['before']);
});

test('half of the queue is free, and no drain: what was refused would not fit', async () => {
  let frames = 0;
  const world = new Simulated(() => 10 * (frames += 1));
  await world.listen('a');
  const client = world.dial('a', { frameBytesMax: 100, sendQueueBytesMax: 120 });
  world.run(100);
  frames = 0;
  for (let i = 0; i < 3; i++) expect(client.connection.send([new Uint8Array(20)])).toBe(true);
  expect(client.connection.send([new Uint8Array(100)])).toBe(false);
  world.run(115);
  expect([client.connection.queuedBytes, client.drains]).toEqual([40, 0]);
  world.run(125);
  expect(client.connection.queuedBytes).toBe(20);
  expect(client.drains).toBe(1);
  expect(client.connection.send([new Uint8Array(100)])).toBe(true);
});

import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Actor, actor, clear, connected, Stranger, storeOf, until, Wire } from './actors.ts';
import { seededRandom } from './context.ts';

afterEach(clear);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const seeds = Number(process.env['RSL_CROSSINGS'] ?? 150);

async function exchanged(one: Actor, two: Actor, text: string): Promise<void> {
  expect(one.send(two.id, text)).toBe(true);
  expect(two.send(one.id, text)).toBe(true);
  const arrived = (): boolean => one.texts.includes(text) && two.texts.includes(text);
  await until(arrived, `'${text}' is exchanged`);
}

test('when both dial at once, one connection stands and nothing flaps', async () => {
  // The rule has to hold for every interleaving, so the hellos and their answers are held up
  // for different times on the way, and one side starts before the other.
  let crossings = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const random = seededRandom(seed);
    const one = await actor(1, { seed });
    const two = await actor(2, { seed: seed + 1_000 });
    const turns = seed % 3 === 0 ? () => 0 : () => 2 + random.below(6);
    const toOne = await Wire.to(one.address, turns);
    const toTwo = await Wire.to(two.address, turns);
    const oneFirst = random.below(2) === 0;
    const dials = [
      () => one.knows({ id: 2, address: toTwo.address }),
      () => two.knows({ id: 1, address: toOne.address }),
    ];
    dials[oneFirst ? 0 : 1]?.();
    for (let i = random.below(10); i > 0; i--) await turn();
    dials[oneFirst ? 1 : 0]?.();
    await connected(one, two);
    await exchanged(one, two, 'first');
    for (let i = 0; i < 20; i++) await turn();
    await exchanged(one, two, 'second');
    expect([one.changes, two.changes], `seed ${seed}`).toEqual([['up 2'], ['up 1']]);
    expect([one.count('links'), two.count('links')]).toEqual([1, 1]);
    // Nobody had to try again: one attempt gave way, it was not that both failed.
    expect(Math.max(one.count('dials'), two.count('dials')), `seed ${seed}`).toBe(1);
    crossings += one.count('dials') * two.count('dials');
    await clear();
  }
  // Not every round makes them meet; most do.
  expect(crossings).toBeGreaterThan(seeds / 4);
}, 600_000);

test('what is sent at once when a peer is up never comes before its up', async () => {
  // The side that was dialed is up first; its votes lane may be faster than its welcome on bulk.
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed);
    const one = await actor(1);
    const two = await actor(2);
    const wire = await Wire.to(one.address, () => random.below(6));
    for (const [from, to] of [
      [one, 2],
      [two, 1],
    ] as const) {
      from.whenUp = () => void from.send(to, 'at once');
    }
    two.knows({ id: 1, address: wire.address });
    await until(() => one.texts.length + two.texts.length === 2, `seed ${seed}: both arrive`);
    expect([one.changes, two.changes], `seed ${seed}`).toEqual([['up 2'], ['up 1']]);
    await clear();
  }
});

test('a group of five that starts at once is connected without a break', async () => {
  const actors = await Promise.all([1, 2, 3, 4, 5].map((id) => actor(id)));
  for (const one of actors) one.knows(...actors);
  await until(() => actors.every(({ up }) => up.size === 4), 'everybody is up');
  expect(actors.every(({ changes }) => changes.length === 4)).toBe(true);
});

test('a break on one side is repaired once, whoever dials first', async () => {
  const one = await actor(1);
  const two = await actor(2);
  const wires = [await Wire.to(one.address), await Wire.to(two.address)] as const;
  one.knows({ id: 2, address: wires[1].address });
  two.knows({ id: 1, address: wires[0].address });
  for (let round = 1; round <= 5; round++) {
    await connected(one, two);
    await exchanged(one, two, `round ${round}`);
    wires[0].cut();
    wires[1].cut();
    await until(() => one.changes.length >= 2 * round && two.changes.length >= 2 * round, 'down');
  }
  await connected(one, two);
  expect(one.changes.length).toBe(11);
});

test('a peer cut off without a reset is down in time, and its queue is freed', async () => {
  const times = { pingIntervalMs: 50, deadAfterMs: 200, reconnectDelayMsMax: 100 };
  const one = await actor(1, times);
  const two = await actor(2, times);
  const wire = await Wire.to(one.address);
  two.knows({ id: 1, address: wire.address });
  await connected(one, two);
  wire.goDead();
  one.send(2, 'into nothing');
  while (one.endpoint.send(2, 'bulk', [new Uint8Array(1 << 20)]));
  expect(one.endpoint.queuedBytes(2)).toBeGreaterThan(0);
  await until(() => !one.up.has(2) && !two.up.has(1), 'both notice');
  expect(one.endpoint.queuedBytes(2)).toBe(0);

  wire.mend();
  await connected(one, two);
  await exchanged(one, two, 'again');
  expect(two.texts).not.toContain('into nothing');
  // The send that was refused while the queue was full, or later while it was down.
  expect(one.drains).toBe(1);
});

test('silence is filled with pings: idle peers stay up', async () => {
  const times = { pingIntervalMs: 25, deadAfterMs: 200 };
  const one = await actor(1, times);
  const two = await actor(2, times);
  two.knows(one);
  await connected(one, two);
  const before = one.count('bytesIn');
  // 12 bytes for a ping and 12 for a pong, on two lanes: far more time than 200 ms.
  await until(() => one.count('bytesIn') - before > 50 * 24, 'many pings');
  expect(one.changes).toEqual(['up 2']);
});

test('our own standstill is nobody else’s death', async () => {
  const times = { pingIntervalMs: 50, deadAfterMs: 250 };
  const one = await actor(1, times);
  const two = await actor(2, times);
  two.knows(one);
  await connected(one, two);
  const endMs = performance.now() + 1_000;
  while (performance.now() < endMs);
  await exchanged(one, two, 'still here');
  expect(one.changes).toEqual(['up 2']);
});

test('a twin of another store or instance is refused while the first one lives', async () => {
  const one = await actor(1);
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  for (const twin of [
    await actor(2, { store: storeOf(77), reconnectDelayMsMax: 50 }),
    await actor(2, { instance: 4_711, reconnectDelayMsMax: 50 }),
  ]) {
    twin.knows(one);
    await until(() => twin.count('refusedBy.duplicate-id') >= 3, 'it is refused again and again');
    const warnings = twin.lines.filter(({ level }) => level === 'warn');
    expect(warnings.length).toBe(1);
    await twin.transport.close();
  }
  await exchanged(one, two, 'undisturbed');
  expect(one.changes).toEqual(['up 2']);
});

test('a replica starts again and gets in although its old connection looks alive', async () => {
  // The machine died with its connections open; nobody was told.
  const one = await actor(1, { pingIntervalMs: 60_000, deadAfterMs: 60_000 });
  const two = await actor(2);
  const wire = await Wire.to(one.address);
  two.knows({ id: 1, address: wire.address });
  await connected(one, two);
  wire.goDead();
  const startedMs = performance.now();
  const again = await actor(2, { store: two.local.store, instance: 4_712 });
  again.knows(one);
  await connected(one, again);
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(one.changes).toEqual(['up 2', 'down 2', 'up 2']);
  await exchanged(one, again, 'back');
});

test('a peer that lost its link comes back although the other side has not noticed', async () => {
  const one = await actor(1, { pingIntervalMs: 60_000, deadAfterMs: 60_000, probeTimeoutMs: 100 });
  const two = await actor(2, { pingIntervalMs: 50, deadAfterMs: 200, reconnectDelayMsMax: 50 });
  const wire = await Wire.to(two.address);
  one.knows({ id: 2, address: wire.address });
  await connected(one, two);
  // One dialed, through a wire that now goes dead; two dials back directly.
  wire.goDead();
  await until(() => !two.up.has(1), 'two notices');
  two.knows(one);
  await connected(one, two);
  await exchanged(one, two, 'again');
});

test('a wrong address on one side locks nobody out', async () => {
  // Two takes one to be where nobody ever answers, and lets one's hello wait for that answer.
  const hole = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => hole.once('listening', resolve));
  const bound = hole.address();
  const holePort = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const one = await actor(1);
  const two = await actor(2, { handshakeTimeoutMs: 200 });
  two.knows({ id: 1, address: `127.0.0.1:${holePort}` });
  await until(() => two.count('dials') > 0, 'two dials the hole');
  one.knows(two);
  await connected(one, two);
  await exchanged(one, two, 'in');
  // The hello that waited was let in; it had not to be said again.
  expect(one.count('dials')).toBe(1);
  hole.close();
});

test('a replica killed and started again at the same address is connected again', async () => {
  const one = await actor(1, { reconnectDelayMsMax: 100 });
  let two = await actor(2);
  const { address: listen } = two;
  const store = two.local.store;
  one.knows({ id: 2, address: listen });
  for (let life = 1; life <= 3; life++) {
    await connected(one, two);
    await exchanged(one, two, `life ${life}`);
    await two.transport.close();
    await until(() => !one.up.has(2), 'it is down');
    two = await actor(2, { listen, store });
  }
  await connected(one, two);
  expect(one.changes.length).toBe(7);
});

test('a name is resolved at each dial', async () => {
  const one = await actor(1);
  const two = await actor(2);
  two.knows({ id: 1, address: one.address.replace('127.0.0.1', 'localhost') });
  await connected(one, two);
  await exchanged(one, two, 'by name');
});

test('an address that changes is dialed at once', async () => {
  const one = await actor(1);
  const two = await actor(2, { reconnectDelayMsMin: 60_000, reconnectDelayMsMax: 60_000 });
  two.knows({ id: 1, address: '127.0.0.1:1' });
  await until(() => two.lines.some(({ message }) => message.includes('trying again')), 'it fails');
  two.knows(one);
  await connected(one, two);
});

test('a peer that is no longer wanted is let go once its frames have left', async () => {
  const one = await actor(1);
  const two = await actor(2);
  one.knows(two);
  await connected(one, two);
  one.send(2, 'you are no member any more');
  one.knows();
  await until(() => !one.up.has(2) && !two.up.has(1), 'the link ends');
  expect(two.texts).toEqual(['you are no member any more']);
  // But it may come by itself, to ask where the group went.
  two.knows(one);
  await connected(one, two);
  one.knows();
  await exchanged(one, two, 'where are you?');
});

test('a peer without an address that can be dialed is waited for', async () => {
  const one = await actor(1);
  const two = await actor(2);
  one.endpoint.peers([
    { id: 2, addresses: { rdma: 'somewhere' } },
    { id: 3, addresses: { tcp: 'nonsense' } },
  ]);
  two.knows(one);
  await connected(one, two);
  expect(one.lines.filter(({ level }) => level === 'warn').length).toBe(2);
});

test('what was sent just before close arrives', async () => {
  const one = await actor(1);
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  for (let i = 0; i < 1_000; i++) two.send(1, `${i}`);
  await two.transport.close();
  await until(() => !one.up.has(2), 'it is down');
  expect(one.texts.length).toBe(1_000);
});

test('close ends although a stranger and a dead wire hold connections', async () => {
  const one = await actor(1);
  const two = await actor(2);
  const wire = await Wire.to(one.address);
  two.knows({ id: 1, address: wire.address }, { id: 3, address: '127.0.0.1:1' });
  await connected(one, two);
  const stranger = new Stranger(one.address);
  await until(() => one.count('accepts') >= 3, 'the stranger is in');
  wire.goDead();
  two.endpoint.send(1, 'bulk', [new Uint8Array(4 << 20)]);
  const startedMs = performance.now();
  await Promise.all([one.transport.close(), two.transport.close()]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  await until(() => stranger.closed, 'the stranger is out');
});

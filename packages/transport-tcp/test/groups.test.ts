import { afterEach, expect, test } from 'vitest';
import {
  type Actor,
  type ActorOptions,
  actor,
  clear,
  connected,
  sharing,
  Stranger,
  strangeLink,
  until,
  Wire,
} from './actors.ts';
import { seededRandom } from './context.ts';

afterEach(clear);

const KiB = 1024;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const nameOf = (i: number): string => `group ${i}`;

/** Two processes and so many groups on both; nobody knows anybody yet. */
async function processes(
  groups: number,
  options: ActorOptions = {},
): Promise<readonly (readonly [Actor, Actor])[]> {
  const one = await actor(1, { ...options, group: nameOf(0) });
  const two = await actor(2, { ...options, group: nameOf(0) });
  const pairs: (readonly [Actor, Actor])[] = [[one, two]];
  for (let i = 1; i < groups; i++) {
    pairs.push([sharing(one, 1, nameOf(i)), sharing(two, 2, nameOf(i))]);
  }
  return pairs;
}

const allUp = (pairs: readonly (readonly [Actor, Actor])[]): boolean =>
  pairs.every(([one, two]) => one.up.has(2) && two.up.has(1));

async function allExchange(
  pairs: readonly (readonly [Actor, Actor])[],
  text: string,
): Promise<void> {
  for (const [one, two] of pairs) {
    expect(one.send(2, `${one.local.group} ${text}`)).toBe(true);
    expect(two.send(1, `${one.local.group} ${text}`)).toBe(true);
  }
  const said = (each: Actor) => each.texts.filter((t) => t === `${each.local.group} ${text}`);
  await until(
    () => pairs.every((pair) => pair.every((each) => said(each).length === 1)),
    `'${text}' arrives everywhere`,
  );
  // What one group says no other group hears.
  for (const each of pairs.flat()) {
    expect(each.texts.every((t) => t.startsWith(`${each.local.group} `))).toBe(true);
  }
}

test('two hundred groups share one link: two sockets, two dials at most', async () => {
  const pairs = await processes(200);
  for (const [one, two] of pairs) {
    one.knows(two);
    two.knows(one);
  }
  await until(() => allUp(pairs), 'all groups are up');
  await allExchange(pairs, 'hello');
  const [[one, two] = expect.unreachable()] = pairs;
  for (const each of [one, two]) {
    expect(each.count('links')).toBe(1);
    expect(each.count('dials')).toBeLessThanOrEqual(1);
    // Where two join at once one gives way: it is not that both fail and try again.
    expect(each.count('joins')).toBeLessThanOrEqual(200);
  }
  for (const each of pairs.flat()) expect(each.changes.length).toBe(1);
});

test('frames of all groups to a process leave in one write', async () => {
  const pairs = await processes(200);
  for (const [one, two] of pairs) one.knows(two);
  await until(() => allUp(pairs), 'all groups are up');
  const [[one] = expect.unreachable()] = pairs;
  await turn();
  const before = one.count('writes');
  for (const [each] of pairs) each.send(2, `${each.local.group} x`);
  await until(() => pairs.every(([, two]) => two.frames.length === 1), 'all arrive');
  expect(one.count('writes') - before).toBe(1);
});

test('idle groups cost one ping of their link, not one each', async () => {
  const times = { pingIntervalMs: 25, deadAfterMs: 400 };
  const pairs = await processes(200, times);
  for (const [one, two] of pairs) one.knows(two);
  await until(() => allUp(pairs), 'all groups are up');
  const [[one] = expect.unreachable()] = pairs;
  await turn();
  const [bytes, writes] = [one.count('bytesIn'), one.count('writes')];
  await until(() => one.count('writes') - writes >= 40, 'pings and pongs of a while');
  // Each write is a ping, a pong or both, on either lane; as many come in.
  expect(one.count('bytesIn') - bytes).toBeLessThan(100 * 24);
  expect(pairs.every(([each]) => each.changes.length === 1)).toBe(true);
});

test('groups come to a link in any order, from either side, and each has one channel', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seededRandom(seed);
    const pairs = await processes(12, { reconnectDelayMsMax: 50, seed });
    const [[one, two] = expect.unreachable()] = pairs;
    const slow = () => random.below(5);
    const toOne = await Wire.to(one.address, slow);
    const toTwo = await Wire.to(two.address, slow);
    for (const [near, far] of pairs) {
      const dials = [
        () => near.knows({ id: 2, address: toTwo.address }),
        () => far.knows({ id: 1, address: toOne.address }),
      ];
      const first = random.below(2);
      dials[first]?.();
      for (let i = random.below(4); i > 0; i--) await turn();
      if (random.below(3) > 0) dials[1 - first]?.();
    }
    await until(() => allUp(pairs), `seed ${seed}: all groups are up`, 6_000);
    await allExchange(pairs, 'hello');
    for (let i = 0; i < 20; i++) await turn();
    for (const each of pairs.flat()) {
      expect(each.changes, `seed ${seed}, ${each.local.group}`).toHaveLength(1);
    }
    expect([one.count('links'), two.count('links')]).toEqual([1, 1]);
    await clear();
  }
}, 60_000);

test('a link that breaks takes all groups down, and one dial brings all of them up', async () => {
  const pairs = await processes(50);
  const [[one, two] = expect.unreachable()] = pairs;
  const wire = await Wire.to(two.address);
  for (const [near] of pairs) near.knows({ id: 2, address: wire.address });
  for (let round = 1; round <= 3; round++) {
    await until(() => allUp(pairs), `round ${round}: all groups are up`);
    await allExchange(pairs, `round ${round}`);
    wire.cut();
    const told = 2 * round;
    await until(() => pairs.flat().every(({ changes }) => changes.length >= told), 'all are down');
  }
  await until(() => allUp(pairs), 'all groups are up again');
  expect([one.count('dials'), two.count('dials')]).toEqual([4, 0]);
});

test('a group that is refused is tried again, and hurts no other', async () => {
  const pairs = await processes(20, { reconnectDelayMsMax: 50 });
  const [[one, two] = expect.unreachable()] = pairs;
  const lonely = sharing(one, 1, 'lonely');
  const wrong = sharing(one, 1, 'wrong');
  const other = sharing(two, 3, 'wrong');
  const twin = sharing(one, 2, 'twin');
  const same = sharing(two, 2, 'twin');
  for (const [near, far] of pairs) near.knows(far);
  for (const each of [lonely, wrong]) each.knows(two);
  twin.knows({ id: 4, address: two.address });
  for (const [reason, times] of [
    ['no-such-group', 3],
    ['wrong-id', 6],
  ] as const) {
    await until(() => one.count(`refusedBy.${reason}`) >= times, `${reason}, again and again`);
  }
  await until(() => allUp(pairs), 'the others are up');
  for (const each of pairs.flat()) expect(each.changes.length).toBe(1);
  for (const each of [lonely, wrong, other, twin, same]) expect(each.changes).toEqual([]);
  expect(one.count('links')).toBe(1);

  const late = sharing(two, 2, 'lonely');
  await connected(lonely, late);
  await allExchange([...pairs, [lonely, late]], 'still here');
});

test('a group that closes is down at once on the other side, and may open again', async () => {
  const pairs = await processes(3);
  const [stays = expect.unreachable(), goes = expect.unreachable()] = pairs;
  for (const [near, far] of pairs) near.knows(far);
  await until(() => allUp(pairs), 'all groups are up');
  for (let life = 1; life <= 3; life++) {
    const [near] = goes;
    const far = life === 1 ? goes[1] : sharing(goes[1], 2, goes[1].local.group);
    await connected(near, far);
    far.send(1, 'last words');
    far.endpoint.close();
    await until(() => near.changes.length === 2 * life, 'it is down');
    expect(near.texts.filter((text) => text === 'last words').length).toBe(life);
  }
  await allExchange([stays], 'undisturbed');
  expect(stays[0].changes).toEqual(['up 2']);
});

test('an address with another spelling leads to the same link', async () => {
  const pairs = await processes(10);
  const [[one, two] = expect.unreachable()] = pairs;
  const spelled = two.address.replace('127.0.0.1', 'localhost');
  for (const [i, [near]] of pairs.entries()) {
    near.knows({ id: 2, address: i % 2 === 0 ? two.address : spelled });
  }
  await until(() => allUp(pairs), 'all groups are up');
  await allExchange(pairs, 'hello');
  expect([one.count('links'), two.count('links')]).toEqual([1, 1]);
  expect(two.count('refused.connected')).toBe(1);
});

test('an address that is our own is no peer’s', async () => {
  const one = await actor(1, { reconnectDelayMsMax: 50 });
  one.knows({ id: 2, address: one.address });
  await until(() => one.count('refused.own-process') >= 3, 'it is refused again and again');
  expect(one.changes).toEqual([]);
});

test('one group’s flood keeps others waiting for one write and a turn of each', async () => {
  const limits = { sendQueueBytesMax: 8 * 1024 * KiB, frameBytesMax: 64 * KiB };
  const times = { deadAfterMs: 60_000, pingIntervalMs: 60_000 };
  const one = await actor(1, { ...times, limits });
  const others = Array.from({ length: 199 }, (_, i) => sharing(one, 1, nameOf(i)));
  const { votes, bulk } = await strangeLink(one.address, { frameBytesMax: 64 * KiB });
  const joined = [one, ...others];
  for (const [i, { local }] of joined.entries()) {
    votes.join({ group: local.group, number: 2 * i + 1 });
  }
  await votes.heard('joined', 2 * joined.length - 1);
  for (const i of joined.keys()) votes.socket.write(openedOf(2 * i + 1));
  await until(() => joined.every(({ up }) => up.has(9)), 'all are up');

  // Nothing is read, so the kernel is full and a write is under way; the flood's queue is full.
  bulk.socket.pause();
  const controlBytes = one.count('bytesOut');
  const filler = new Uint8Array(32 * KiB);
  let refused = 0;
  let sent = 0;
  while (refused < 50) {
    if (one.endpoint.send(9, 'bulk', [filler])) refused = 0;
    else refused += 1;
    sent += 1;
    expect(sent).toBeLessThan(4_000);
    if (refused > 0) await turn();
  }
  const atMost = one.endpoint.queuedBytes(9);
  expect(atMost).toBeGreaterThan(7 * 1024 * KiB);
  const writtenBytes = one.count('bytesOut') - controlBytes;
  for (const each of others) {
    expect(each.endpoint.send(9, 'bulk', [Buffer.from('quick')])).toBe(true);
    expect(each.endpoint.queuedBytes(9)).toBe(8 + 'quick'.length);
  }
  bulk.socket.resume();
  const last = 2 * 199 + 1;
  await until(() => bulk.told.some(({ channel }) => channel === last), 'the last arrives', 6_000);

  const order = bulk.told;
  const lastQuick = order.findLastIndex(({ channel }) => channel !== 1);
  const bytes = order.slice(0, lastQuick + 1).reduce((sum, { body }) => sum + body.length + 8, 0);
  // What was written or under way, and one turn of the flood: not the megabytes that it had queued.
  expect(bytes - writtenBytes).toBeLessThanOrEqual(64 * KiB + 32 * KiB + 8 + 199 * 13);
  expect(order.filter(({ channel }) => channel !== 1).length).toBe(199);
  await until(() => one.endpoint.queuedBytes(9) === 0, 'the flood goes on, and ends');
  expect(joined.every(({ changes }) => changes.length === 1)).toBe(true);
});

function openedOf(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[4] = 7;
  bytes.writeUIntLE(number, 5, 3);
  return bytes;
}

test('a full queue of one group leaves all others theirs', async () => {
  const limits = { sendQueueBytesMax: 256 * KiB, frameBytesMax: 64 * KiB };
  const pairs = await processes(20, { limits, deadAfterMs: 60_000, pingIntervalMs: 60_000 });
  const [[one, two] = expect.unreachable()] = pairs;
  const wire = await Wire.to(two.address);
  for (const [near] of pairs) near.knows({ id: 2, address: wire.address });
  await until(() => allUp(pairs), 'all groups are up');
  wire.goDead();
  const filler = new Uint8Array(16 * KiB);
  for (const [each] of pairs) {
    let sent = 0;
    while (sent < 4_000 && each.endpoint.send(2, 'bulk', [filler])) sent += 1;
    expect(sent).toBeGreaterThanOrEqual(15);
    await turn();
    while (sent < 8_000 && each.endpoint.send(2, 'bulk', [filler])) sent += 1;
    expect(each.endpoint.queuedBytes(2)).toBeLessThanOrEqual(256 * KiB);
  }
  expect(one.endpoint.queuedBytes(2)).toBeLessThanOrEqual(256 * KiB);
});

test('a link is closed when the last group has left it', async () => {
  const pairs = await processes(5, { handshakeTimeoutMs: 100 });
  for (const [near, far] of pairs) near.knows(far);
  await until(() => allUp(pairs), 'all groups are up');
  const [[one, two] = expect.unreachable()] = pairs;
  for (const [near] of pairs) near.knows();
  await until(() => pairs.every(([near]) => !near.up.has(2)), 'all have left');
  await until(() => two.lines.some(({ message }) => message === 'a link has ended'), 'it ends');
  one.knows(two);
  await connected(one, two);
  expect(one.count('links')).toBe(2);
});

test('strangers of a link are told apart from those of others', async () => {
  // Two processes whose numbers of links and channels are the same.
  const one = await actor(1);
  const links = [];
  for (const id of [8, 9]) {
    const link = await strangeLink(one.address, { process: id.toString(16).padStart(16, '0') });
    link.votes.join({ id, store: id.toString(16).padStart(16, '0') });
    await link.votes.heard('joined', 1);
    link.votes.socket.write(openedOf(1));
    links.push(link);
  }
  await until(() => one.up.size === 2, 'both are up');
  expect(one.endpoint.send(8, 'votes', [Buffer.from('to 8')])).toBe(true);
  expect((await links[0]?.votes.heard('frame', 1))?.toString()).toBe('to 8');
  links[1]?.votes.socket.destroy();
  await until(() => !one.up.has(9), 'the other is down');
  expect(one.changes).toEqual(['up 8', 'up 9', 'down 9']);
  expect(new Stranger(one.address).closed).toBe(false);
});

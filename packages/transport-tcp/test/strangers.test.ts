import { afterEach, expect, test } from 'vitest';
import { envelopeBytes, writeEnvelope } from '../src/framing.ts';
import { encodeGreeting, refusals } from '../src/handshake.ts';
import { actor, clear, connected, helloOf9, Stranger, storeOf, until } from './actors.ts';

afterEach(clear);

const envelope = (type: number, length: number): Buffer => {
  const bytes = Buffer.alloc(envelopeBytes);
  writeEnvelope(bytes, 0, type, length);
  return bytes;
};

test('garbage on the port is closed at its first bytes, counted, and logged once', async () => {
  const one = await actor(1);
  for (let i = 1; i <= 5; i++) {
    const stranger = new Stranger(one.address);
    stranger.socket.write('GET / HTTP/1.1\r\n');
    await until(() => stranger.closed, 'it is closed');
    expect(stranger.received.length).toBe(0);
    expect(one.count('invalid.handshake')).toBe(i);
  }
  const warnings = one.lines.filter(({ level }) => level === 'warn');
  expect(warnings.length).toBe(1);
  expect(warnings[0]?.fields['code']).toBe('RSL_FRAME_INVALID');
});

test('a stranger who says nothing is closed after the handshake timeout', async () => {
  const one = await actor(1, { handshakeTimeoutMs: 100 });
  const silent = new Stranger(one.address);
  const half = new Stranger(one.address);
  half.socket.write(encodeGreeting(helloOf9).subarray(0, 30));
  await until(() => silent.closed && half.closed, 'both are closed');
  expect(one.count('handshakesTimedOut')).toBe(2);
});

test('a votes lane that no bulk lane follows is closed after the handshake timeout', async () => {
  const one = await actor(1, { handshakeTimeoutMs: 100 });
  const stranger = new Stranger(one.address);
  stranger.greet();
  await stranger.welcomed();
  await until(() => stranger.closed, 'it is closed');
  expect(one.changes).toEqual([]);
});

test('strangers without a hello are bounded, and their end makes room', async () => {
  const one = await actor(1, { handshakesMax: 2 });
  const [a, b] = [new Stranger(one.address), new Stranger(one.address)];
  await until(() => one.count('accepts') === 2, 'two are in');
  const c = new Stranger(one.address);
  await until(() => c.closed, 'the third is closed');
  expect(a.closed || b.closed).toBe(false);
  a.socket.destroy();
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
});

test('half a frame, then silence: the peer is down and what it sent is forgotten', async () => {
  const one = await actor(1, { pingIntervalMs: 50, deadAfterMs: 200 });
  const [votes, bulk] = [new Stranger(one.address), new Stranger(one.address)];
  votes.greet();
  await votes.welcomed();
  bulk.greet({ lane: 'bulk' });
  await bulk.welcomed();
  await until(() => one.up.has(9), 'it is up');
  votes.socket.write(Buffer.concat([envelope(1, 1_000_000), Buffer.alloc(10_000)]));
  await until(() => !one.up.has(9), 'it is down');
  await until(() => votes.closed && bulk.closed, 'both lanes are closed');
  expect(one.frames).toEqual([]);
  expect(one.changes).toEqual(['up 9', 'down 9']);
});

/** Both lanes of a stranger who knows how to greet. */
async function intruder(address: string): Promise<Stranger> {
  const [votes, bulk] = [new Stranger(address), new Stranger(address)];
  votes.greet();
  await votes.welcomed();
  bulk.greet({ lane: 'bulk' });
  await bulk.welcomed();
  return votes;
}

test('bytes that are no frame close the connection and are counted by reason', async () => {
  const one = await actor(1, { limits: { frameBytesMax: 1_000 } });
  for (const [reason, bytes] of [
    ['length', envelope(1, 1_001)],
    ['length', envelope(2, 1_000)],
    ['type', envelope(77, 4)],
    ['group', Buffer.from([1, 0, 0, 0, 1, 0, 0, 1])],
  ] as const) {
    const before = one.count(`invalid.${reason}`);
    const stranger = await intruder(one.address);
    await until(() => one.up.has(9), 'it is up');
    stranger.socket.write(bytes);
    await until(() => stranger.closed && !one.up.has(9), 'it is closed');
    expect(one.count(`invalid.${reason}`)).toBe(before + 1);
  }
  expect(one.frames).toEqual([]);
});

test('a frame before both lanes stand is a violation', async () => {
  const one = await actor(1);
  const stranger = new Stranger(one.address);
  stranger.socket.write(
    Buffer.concat([encodeGreeting(helloOf9), envelope(1, 1), Buffer.from('x')]),
  );
  await until(() => stranger.closed, 'it is closed');
  expect(one.count('invalid.early')).toBe(1);
  expect(one.changes).toEqual([]);
});

test('a FrameError thrown by whoever takes the frame closes the connection', async () => {
  const { FrameError } = await import('@rsl/core');
  const one = await actor(1);
  one.frame = () => {
    throw new FrameError('not a frame of the core');
  };
  const stranger = await intruder(one.address);
  await until(() => one.up.has(9), 'it is up');
  stranger.socket.write(Buffer.concat([envelope(1, 1), Buffer.from('x')]));
  await until(() => stranger.closed && !one.up.has(9), 'it is closed');
  expect(one.count('invalid.refused')).toBe(1);
});

test('a flood of pings is answered with little, and keeps nobody else waiting', async () => {
  const one = await actor(1);
  const stranger = await intruder(one.address);
  await until(() => one.up.has(9), 'it is up');
  stranger.socket.pause();
  const ping = Buffer.concat([envelope(2, 4), Buffer.from([1, 0, 0, 0])]);
  const flood = Buffer.concat(Array.from({ length: 50_000 }, () => ping));
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => stranger.socket.write(flood, resolve));
  }
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  // Half a million pings; a pong for each would be six million bytes.
  expect(one.count('bytesOut')).toBeLessThan(1_000_000);
});

test('a refusal says why', async () => {
  const one = await actor(1, { connectionsMax: 2 });
  const reasonOf = async (changes: Parameters<Stranger['greet']>[0]): Promise<number> => {
    const stranger = new Stranger(one.address);
    stranger.greet(changes);
    return stranger.refused();
  };
  expect(await reasonOf({ group: 'other' })).toBe(refusals['no-such-group'].code);
  expect(await reasonOf({ asked: 2 })).toBe(refusals['wrong-id'].code);
  expect(await reasonOf({ from: 1 })).toBe(refusals['own-id'].code);
  expect(await reasonOf({ versionMin: 2, versionMax: 3 })).toBe(refusals.version.code);
  expect(await reasonOf({ flags: 0x8000_0000 })).toBe(refusals.flags.code);
  expect(await reasonOf({ lane: 'bulk' })).toBe(refusals['no-such-link'].code);
  expect(one.count('refused.wrong-id')).toBe(1);
  const warnings = one.lines.filter(({ level }) => level === 'warn');
  expect(warnings.every(({ fields }) => fields['code'] === 'RSL_PEER_REFUSED')).toBe(true);
  expect(warnings.length).toBe(6);

  // An id of 0 asks for whoever is there; a flag that may be ignored is.
  const stranger = new Stranger(one.address);
  stranger.greet({ asked: 0, flags: 1 });
  await stranger.welcomed();
});

test('too many connections are refused, and one that ends makes room', async () => {
  const one = await actor(1, { connectionsMax: 2 });
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  const three = await actor(3, { reconnectDelayMsMax: 50 });
  three.knows(one);
  await until(() => three.count('refusedBy.too-many-connections') > 0, 'it is refused');
  expect(one.up.has(3)).toBe(false);
  await two.transport.close();
  await connected(one, three);
});

test('a bulk lane of another store or instance does not join a link', async () => {
  const one = await actor(1);
  for (const changes of [{ store: storeOf(8) }, { instance: 1 }, { link: 2 }]) {
    const [votes, bulk] = [new Stranger(one.address), new Stranger(one.address)];
    votes.greet();
    await votes.welcomed();
    bulk.greet({ lane: 'bulk', ...changes });
    expect(await bulk.refused()).toBe(refusals['no-such-link'].code);
    votes.socket.destroy();
    await until(() => votes.closed, 'closed');
  }
  expect(one.changes).toEqual([]);
});

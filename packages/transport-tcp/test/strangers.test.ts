import { FrameError } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { envelopeBytes, writeEnvelope } from '../src/framing.ts';
import { encodeGreeting, refusals } from '../src/handshake.ts';
import {
  actor,
  clear,
  connected,
  envelopeOf,
  intruder,
  Stranger,
  sharing,
  storeOf,
  strangeHello,
  strangeLink,
  strangeProcess,
  until,
} from './actors.ts';

afterEach(clear);

const envelope = (type: number, length: number, channel = 1): Buffer => {
  const bytes = Buffer.alloc(envelopeBytes);
  writeEnvelope(bytes, 0, type, channel, length);
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
  half.socket.write(encodeGreeting(strangeHello).subarray(0, 30));
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
  const { votes, bulk } = await intruder(one);
  votes.socket.write(Buffer.concat([envelope(1, 1_000_000), Buffer.alloc(10_000)]));
  await until(() => !one.up.has(9), 'it is down');
  await until(() => votes.closed && bulk.closed, 'both lanes are closed');
  expect(one.frames).toEqual([]);
  expect(one.changes).toEqual(['up 9', 'down 9']);
});

test('bytes that are no frame close the connection and are counted by reason', async () => {
  const one = await actor(1, { limits: { frameBytesMax: 1_000 } });
  for (const [reason, bytes] of [
    ['length', envelope(1, 1_001)],
    ['length', envelope(2, 1_000, 0)],
    ['type', envelope(77, 4)],
    ['channel', envelope(1, 1, 0)],
    ['channel', Buffer.concat([envelope(1, 1, 3), Buffer.from('x')])],
    ['channel', Buffer.concat([envelope(1, 1, 2), Buffer.from('x')])],
    ['channel', envelopeOf('leave', 3)],
    ['early', envelopeOf('joined', 1, Buffer.alloc(20))],
  ] as const) {
    const before = one.count(`invalid.${reason}`);
    const { votes: stranger } = await intruder(one);
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
    Buffer.concat([encodeGreeting(strangeHello), envelope(1, 1), Buffer.from('x')]),
  );
  await until(() => stranger.closed, 'it is closed');
  expect(one.count('invalid.early')).toBe(1);
  expect(one.changes).toEqual([]);
});

test('a FrameError thrown by whoever takes the frame ends the channel, and no other', async () => {
  const one = await actor(1);
  const other = sharing(one, 1, 'other');
  one.frame = () => {
    throw new FrameError('not a frame of the core');
  };
  const { votes } = await intruder(one);
  votes.join({ group: 'other', number: 3 });
  await votes.heard('joined', 3);
  votes.socket.write(Buffer.concat([envelope(1, 1), Buffer.from('x')]));
  await votes.heard('leave', 1);
  expect(one.changes).toEqual(['up 9', 'down 9']);
  expect(one.count('invalid.refused')).toBe(1);
  // What is under way to the channel that is over is dropped; the link and the other group go on.
  votes.socket.write(Buffer.concat([envelope(1, 1), Buffer.from('y')]));
  votes.socket.write(Buffer.concat([envelope(1, 1, 3), Buffer.from('z')]));
  await until(() => other.texts.includes('z'), 'a frame of the other group');
  expect(other.changes).toEqual(['up 9']);
  expect(one.count('invalid.refused')).toBe(1);
});

test('a flood of pings is answered with little, and keeps nobody else waiting', async () => {
  const one = await actor(1);
  const { votes: stranger } = await intruder(one);
  stranger.socket.pause();
  const ping = Buffer.concat([envelope(2, 4, 0), Buffer.from([1, 0, 0, 0])]);
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
  expect(await reasonOf({ versionMin: 2, versionMax: 3 })).toBe(refusals.version.code);
  expect(await reasonOf({ flags: 0x8000_0000 })).toBe(refusals.flags.code);
  expect(await reasonOf({ lane: 'bulk' })).toBe(refusals['no-such-link'].code);
  const warnings = one.lines.filter(({ level }) => level === 'warn');
  expect(warnings.every(({ fields }) => fields['code'] === 'RSL_PEER_REFUSED')).toBe(true);
  expect(warnings.length).toBe(3);

  // A flag that may be ignored is.
  const stranger = new Stranger(one.address);
  stranger.greet({ flags: 1 });
  await stranger.welcomed();
});

test('the refusal of a join says why, and the link goes on', async () => {
  const one = await actor(1);
  const { votes } = await strangeLink(one.address);
  let number = 1;
  for (const [reason, changes] of [
    ['no-such-group', { group: 'other' }],
    ['wrong-id', { asked: 2 }],
    ['wrong-id', { id: 0 }],
    ['own-id', { id: 1 }],
  ] as const) {
    votes.join({ ...changes, number });
    const body = await votes.heard('refused', number);
    expect(body.readUInt16LE(0)).toBe(refusals[reason].code);
    number += 2;
  }
  expect(one.count('refused.wrong-id')).toBe(2);
  const warnings = one.lines.filter(({ level }) => level === 'warn');
  expect(warnings.every(({ fields }) => fields['code'] === 'RSL_PEER_REFUSED')).toBe(true);
  expect(warnings.length).toBe(4);

  // An id of 0 asks for whoever is there. A process has one replica of a group.
  votes.join({ asked: 0, number });
  await votes.heard('joined', number);
  votes.join({ id: 8, number: number + 2 });
  const body = await votes.heard('refused', number + 2);
  expect(body.readUInt16LE(0)).toBe(refusals['one-of-group'].code);
  expect(votes.closed).toBe(false);
});

test('a join with the id of a live peer in another process is refused', async () => {
  const one = await actor(1);
  const two = await actor(2);
  two.knows(one);
  await connected(one, two);
  const { votes } = await strangeLink(one.address);
  for (const [number, changes, reason] of [
    [1, { store: storeOf(77) }, 'duplicate-id'],
    [3, { store: two.local.store, instance: 4_711 }, 'duplicate-id'],
    [5, { store: two.local.store, instance: two.local.instance }, 'connected'],
  ] as const) {
    votes.join({ id: 2, number, ...changes });
    const body = await votes.heard('refused', number);
    expect(body.readUInt16LE(0)).toBe(refusals[reason].code);
  }
  expect(one.changes).toEqual(['up 2']);
});

test('numbers of channels are the joiner’s, and never come again', async () => {
  const one = await actor(1);
  for (const number of [2, 1]) {
    const { votes } = await intruder(one);
    votes.join({ group: 'x', number });
    await until(() => votes.closed, `it is closed for ${number}`, 5_000);
    await until(() => !one.up.has(9), 'it is down');
  }
  expect(one.count('invalid.channel')).toBe(2);
});

test('a join that another replica answers is no join', async () => {
  const one = await actor(1, { reconnectDelayMsMax: 50 });
  const local = { group: 'stage', id: 7, store: storeOf(7), instance: 7 };
  const { address } = await strangeProcess(() => local);
  one.knows({ id: 9, address });
  await until(() => one.count('refusedBy.wrong-id') >= 3, 'it is refused, always', 5_000);
  expect(one.changes).toEqual([]);
  expect(one.count('links')).toBe(1);
});

test('a join that nobody answers is taken back and tried again, on the same link', async () => {
  const one = await actor(1, { handshakeTimeoutMs: 100, reconnectDelayMsMax: 50 });
  const local = { group: 'stage', id: 9, store: storeOf(9), instance: 7 };
  const { address } = await strangeProcess((number) => (number >= 5 ? local : undefined));
  one.knows({ id: 9, address });
  await until(() => one.up.has(9), 'the third is answered');
  expect(one.count('links')).toBe(1);
});

test('a join that is not opened in time is taken back', async () => {
  const one = await actor(1, { handshakeTimeoutMs: 100 });
  const { votes } = await strangeLink(one.address);
  votes.join();
  await votes.heard('joined', 1);
  await votes.heard('leave', 1);
  expect(one.changes).toEqual([]);
});

test('a link that no group uses is closed after the handshake timeout', async () => {
  const quiet = { pingIntervalMs: 60_000, deadAfterMs: 60_000 };
  const one = await actor(1, { ...quiet, handshakeTimeoutMs: 100 });
  const { votes, bulk } = await strangeLink(one.address);
  votes.join({ group: 'none' });
  await until(() => votes.closed && bulk.closed, 'it is closed', 5_000);
  const used = await intruder(one);
  await until(() => used.votes.told.some(({ type }) => type === 5), 'it is joined');
  expect(used.votes.closed).toBe(false);
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

test('a bulk lane of another process or link does not join a link', async () => {
  const one = await actor(1);
  for (const changes of [{ process: storeOf(8) }, { link: 2 }]) {
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

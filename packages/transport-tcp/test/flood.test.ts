import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { encodeJoin } from '../src/joining.ts';
import { actor, clear, envelopeOf, storeOf, strangeLink } from './actors.ts';

afterEach(clear);

const nobody = { id: 9, store: storeOf(9), instance: 99 };

test('joins for a thousand groups in vain are a thousand lines in the log, once', async () => {
  const one = await actor(1);
  const { votes } = await strangeLink(one.address);
  let number = 1;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1_500; i++, number += 2) votes.join({ group: `none ${i}`, number });
  }
  await votes.heard('refused', number - 2);
  expect(one.count('refused.no-such-group')).toBe(4_500);
  expect(one.lines.filter(({ level }) => level === 'warn').length).toBe(1_024);
});

test('joins whose answers nobody takes end the link', async () => {
  // Each answer is ten bytes; a join is ten times as long, so our memory is not the one to end.
  const one = await actor(1, {
    deadAfterMs: 60_000,
    pingIntervalMs: 60_000,
    handshakeTimeoutMs: 60_000,
  });
  const { votes } = await strangeLink(one.address);
  votes.socket.pause();
  const join = envelopeOf('join', 1, encodeJoin({ ...nobody, group: 'none' }, 1));
  const joins = Buffer.concat(Array.from({ length: 20_000 }, () => join));
  let number = 1;
  const closed = once(votes.socket, 'close');
  while (!votes.closed && one.count('invalid.join') === 0) {
    for (let at = 0; at < joins.length; at += join.length, number += 2) {
      joins.writeUIntLE(number, at + 5, 3);
    }
    const written = new Promise((resolve) => votes.socket.write(joins, resolve));
    await Promise.race([written, closed]);
    expect(number).toBeLessThan(2_400_000);
  }
  expect(one.count('invalid.join')).toBe(1);
}, 60_000);

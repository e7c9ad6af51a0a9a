import { expect, test } from 'vitest';
import { Happenings, happeningsMax, shortened } from './happenings.ts';
import type { Happening } from './words.ts';

const leading = (round: number): Happening => ({
  kind: 'leading',
  ballot: { configuration: 1, round, proposer: 1 },
});
const ended: Happening = { kind: 'ended' };
const following: Happening = { kind: 'following', what: { leader: 2 } };
const peer = (id: number, up: boolean): Happening => ({ kind: 'peer', what: { id, up } });
const line: Happening = { kind: 'log', level: 'warn', fields: {}, message: 'slow' };

function stage() {
  const sent: (readonly Happening[])[] = [];
  return { sent, happenings: new Happenings((all) => void sent.push(all)) };
}

test('one message is on its way at a time; what comes meanwhile is the next one', () => {
  const { happenings, sent } = stage();
  happenings.add(leading(1));
  happenings.flush();
  happenings.add(ended);
  happenings.add(following);
  happenings.flush();
  expect(sent).toEqual([[leading(1)]]);
  happenings.heard();
  expect(sent).toEqual([[leading(1)], [ended, following]]);
});

test('however much happens while nobody listens, it stays bounded and ends the same', () => {
  // An application may stand still for as long as it likes.
  const { happenings, sent } = stage();
  happenings.add(leading(1));
  happenings.flush();
  for (let round = 2; round < 10_000; round += 1) {
    for (const each of [ended, following, peer(2, false), line, peer(2, true), leading(round)])
      happenings.add(each);
    happenings.flush();
    expect(happenings.waiting).toBeLessThanOrEqual(happeningsMax);
  }
  happenings.heard();
  const told = sent.at(-1) ?? [];
  const roles = told.filter(({ kind }) => kind === 'leading' || kind === 'ended');
  // The first leadership ends before the last one begins.
  expect(roles[0]).toEqual(ended);
  expect(roles.at(-1)).toEqual(leading(9_999));
  expect(told.findLast(({ kind }) => kind === 'peer')).toEqual(peer(2, true));
  expect(happenings.leftOut).toBeGreaterThan(0);
});

test('what is made shorter keeps the newest of each peer and what came since the last end', () => {
  const all = [peer(2, true), leading(1), ended, line, peer(2, false), peer(3, true), following];
  expect(shortened(all)).toEqual([ended, peer(2, false), peer(3, true), following]);
});

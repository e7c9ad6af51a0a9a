import { expect, test } from 'vitest';
import { Bench } from './bench.ts';
import { alarmsOf, ballot, learnReply, phase1b, recordsOf } from './fixture.ts';

/** Replica 1 of three leads; the test plays the others. */
function led(): Bench {
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const { ballot: of } = b.replica(1).view;
  b.put(2, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase2');
  for (const from of [2, 3]) b.answer(from, 1);
  return b;
}

test('a leader that has offered its place gives way when its heir stands (L3, L4)', () => {
  // With a live quorum it would go on above whoever disturbs it (L1): its heir would never lead.
  const b = led();
  const { ballot: of } = b.replica(1).view;
  b.step(1, { kind: 'storage', full: true });
  b.nowMs += 10;
  b.tick(1);
  const [offer] = b.mail('stand-now');
  expect(offer?.message).toMatchObject({ ballot: of });
  b.put(3, 1, { kind: 'nack', ballot: of, promised: ballot(of.round + 1, 2) });
  expect(b.replica(1).view.role).toBe('follower');
});

test('who has no room takes no place that it is offered (S5)', () => {
  // It could take in no commands either.
  const b = new Bench();
  b.elect(1);
  const { ballot: of } = b.replica(1).view;
  b.step(2, { kind: 'storage', full: true });
  b.put(1, 2, { kind: 'stand-now', ballot: of });
  expect(b.replica(2).view.role).toBe('follower');
  b.step(2, { kind: 'storage', full: false });
  b.put(1, 2, { kind: 'stand-now', ballot: of });
  expect(b.replica(2).view.role).toBe('phase1');
});

test('two values that are said to be decided in one slot raise an alarm (P5)', () => {
  const b = new Bench({ played: [1, 3] });
  const first = b.put(1, 2, learnReply(1, ['a']));
  expect(alarmsOf(first)).toEqual([]);
  const second = b.put(3, 2, learnReply(1, ['b']));
  expect(alarmsOf(second)).toHaveLength(1);
  expect(recordsOf(second)).toEqual([]);
});

test('what is learned too far ahead is not kept (L6)', () => {
  // It would wait in memory, and in the log, for slots that nobody may ever send.
  const b = new Bench({ played: [1, 3], limits: { voteAheadSlotsMax: 4 } });
  const effects = b.put(1, 2, learnReply(4, ['d', 'e', 'f']));
  const slots = recordsOf(effects).map((record) => (record.kind === 'decided' ? record.slot : -1));
  expect(slots).toEqual([4]);
});

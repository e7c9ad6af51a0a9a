import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Session } from './session.ts';
import { sessionLimits } from './session-limits.ts';
import { Sessions } from './sessions.ts';

const MiB = 1_024 * 1_024;
const {
  resultOverheadBytes,
  sessionResultBytesMax,
  sessionsMax,
  sessionTtlMsMax,
  sessionTtlMsMin,
} = sessionLimits;
const at = (slot: number, offset = 0) => ({ slot, offset });

function opened(sessions: Sessions, slot: number, ttlMs = 10_000): Session {
  const session = sessions.open(at(slot), ttlMs);
  if (session === undefined) throw new Error('too many');
  return session;
}

function executed(sessions: Sessions, session: Session, sequence: number, bytes: Uint8Array): void {
  session.begin(sequence);
  sessions.finish(session, sequence, bytes);
}

const idsOf = (some: Iterable<Session>): string[] => [...some].map(({ id }) => id);

test('a session that was never opened is not made by using it (P9)', () => {
  const sessions = new Sessions();
  expect(sessions.use(at(3))).toBeUndefined();
  expect(sessions.count).toBe(0);
  const one = opened(sessions, 3);
  expect(sessions.use(at(3))).toBe(one);
  expect(sessions.use(at(3, 1))).toBeUndefined();
  sessions.close(at(3));
  expect(sessions.use(at(3))).toBeUndefined();
});

test('it ends a millisecond after its time-out, unless it is used', () => {
  const sessions = new Sessions();
  opened(sessions, 1, 1_000);
  expect(sessions.endsInMs).toBe(1_001);
  sessions.pass(1_000);
  expect(sessions.expire()).toEqual([]);
  expect(sessions.endsInMs).toBe(1);
  sessions.pass(1);
  expect(idsOf(sessions.expire())).toEqual(['1.0']);
  expect(sessions.endsInMs).toBeUndefined();
  expect(sessions.use(at(1))).toBeUndefined();
});

test('using it puts its end off, by all of its time-out', () => {
  const sessions = new Sessions();
  opened(sessions, 1, 1_000);
  for (let i = 0; i < 5; i += 1) {
    sessions.pass(999);
    sessions.use(at(1));
    expect(sessions.expire()).toEqual([]);
    expect(sessions.endsInMs).toBe(1_001);
  }
});

test('several end in the order of their ends, those of one moment as they were opened', () => {
  const sessions = new Sessions();
  opened(sessions, 1, 3_000);
  opened(sessions, 2, 2_000);
  opened(sessions, 3, 2_000);
  opened(sessions, 4, 50_000);
  sessions.pass(500);
  opened(sessions, 5, 1_500);
  sessions.use(at(2));
  sessions.pass(4_000);
  // At 2,000, 2,000, 2,500 and 3,000.
  expect(idsOf(sessions.expire())).toEqual(['3.0', '5.0', '2.0', '1.0']);
  expect(idsOf(sessions.all())).toEqual(['4.0']);
});

test.each([
  [0, sessionTtlMsMin],
  [sessionTtlMsMin - 1, sessionTtlMsMin],
  [sessionTtlMsMin, sessionTtlMsMin],
  [sessionTtlMsMax, sessionTtlMsMax],
  [2 ** 32 - 1, sessionTtlMsMax],
])('a time-out of %d ms is one of %d', (asked, given) => {
  expect(opened(new Sessions(), 1, asked).ttlMs).toBe(given);
});

test('sessionsMax may be open; one that is closed makes room for another', () => {
  const sessions = new Sessions();
  for (let slot = 1; slot <= sessionsMax; slot += 1) opened(sessions, slot);
  expect(sessions.open(at(sessionsMax + 1), 1_000)).toBeUndefined();
  expect(sessions.count).toBe(sessionsMax);
  expect(sessions.close(at(77))).toBe(true);
  expect(sessions.close(at(77)), 'once').toBe(false);
  expect(opened(sessions, sessionsMax + 2).id).toBe(`${sessionsMax + 2}.0`);
});

test('results are counted while they are kept, by whichever way they go', () => {
  const sessions = new Sessions();
  const [a, b, c] = [1, 2, 3].map((slot) => opened(sessions, slot, slot * 1_000)) as [
    Session,
    Session,
    Session,
  ];
  const each = 100 + resultOverheadBytes;
  for (const one of [a, b, c]) {
    for (const sequence of [1, 2]) executed(sessions, one, sequence, new Uint8Array(100));
  }
  expect(sessions.bytes).toBe(6 * each);
  sessions.acknowledge(c, 1);
  expect(sessions.bytes).toBe(5 * each);
  sessions.close(b);
  expect(sessions.bytes).toBe(3 * each);
  sessions.pass(1_001);
  expect(idsOf(sessions.expire())).toEqual(['1.0']);
  expect(sessions.bytes).toBe(each);
  sessions.acknowledge(c, 2);
  expect(sessions.bytes).toBe(0);
  expect(idsOf(sessions.holding())).toEqual([]);
});

test('beyond sessionResultBytesMax the results of a session are forgotten, and executed', () => {
  const sessions = new Sessions();
  const [a, b] = [opened(sessions, 1), opened(sessions, 2)];
  executed(sessions, a, 1, new Uint8Array(10));
  executed(sessions, b, 1, new Uint8Array(sessionResultBytesMax - resultOverheadBytes));
  expect(sessions.bytes).toBe(sessionResultBytesMax + 10 + resultOverheadBytes);
  executed(sessions, b, 2, new Uint8Array(0));
  expect([a, b].map((one) => one.standingOf(1))).toEqual(['executed', 'gone']);
  expect([b.standingOf(2), b.standingOf(3)]).toEqual(['gone', 'new']);
  expect(sessions.bytes).toBe(10 + resultOverheadBytes);
});

test('sessions that are opened and closed again leave nothing behind', async () => {
  // Clients come and go all day; each asked for a day, and had a result when it went. One stays,
  // and asked for less: it is always the next that would end.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sessions = new Sessions();
  const refs: WeakRef<Session>[] = [];
  opened(sessions, 1, sessionTtlMsMin);
  for (let slot = 2; slot <= 2 * sessionsMax; slot += 1) {
    const session = opened(sessions, slot, sessionTtlMsMax);
    executed(sessions, session, 1, new Uint8Array(8));
    refs.push(new WeakRef(session));
    sessions.close(session);
    sessions.expire();
  }
  expect(sessions.count).toBe(1);
  // What a WeakRef was made of lives until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const alive = refs.filter((ref) => ref.deref() !== undefined).length;
  expect(alive).toBeLessThanOrEqual(sessionsMax);
});

test('a kept result keeps no more memory than it counts', () => {
  // A state machine may give a part of something larger, such as a view of its batch.
  const sessions = new Sessions();
  const one = opened(sessions, 1);
  executed(sessions, one, 1, new Uint8Array(MiB).subarray(7, 9));
  expect(sessions.bytes).toBe(2 + resultOverheadBytes);
  expect(one.resultOf(1)).toEqual(new Uint8Array(2));
  expect(one.resultOf(1)?.buffer.byteLength).toBeLessThanOrEqual(8 * 1_024);
});

import { expect, test, vi } from 'vitest';

// With bounds that a test can reach.
vi.mock('./session-limits.ts', () => ({
  sessionLimits: {
    sessionsMax: 16,
    sessionWindowMax: 64,
    sessionResultBytesMax: 1_000,
    resultBytesMax: 1_500,
    resultOverheadBytes: 64,
    sessionTtlMsMin: 1_000,
    sessionTtlMsMax: 10_000,
  },
}));

const { Sessions } = await import('./sessions.ts');

test('beyond resultBytesMax the results of the session used longest ago are forgotten', () => {
  const sessions = new Sessions();
  const all = [1, 2, 3].map((slot) => sessions.open({ slot, offset: 0 }, 5_000));
  const [a, b, c] = all as NonNullable<(typeof all)[number]>[];
  if (a === undefined || b === undefined || c === undefined) throw new Error('three are open');
  const execute = (session: typeof a): void => {
    session.begin(1);
    sessions.finish(session, 1, new Uint8Array(636));
  };
  execute(a);
  execute(b);
  expect(sessions.bytes).toBe(1_400);
  sessions.use(a);
  execute(c);
  expect(sessions.bytes).toBe(1_400);
  const standings = [a, b, c].map((session) => session.standingOf(1));
  expect(standings).toEqual(['executed', 'gone', 'executed']);
  expect([...sessions.holding()]).toEqual([a, c]);
});

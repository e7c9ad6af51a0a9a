import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Election } from '../../src/paxos/election.ts';
import { Progress } from '../../src/paxos/progress.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { group } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const timings = { electionTimeoutMsMin: 300, candidateTimeoutMsMin: 200 };
const one = <K extends string>(kind: K) => fc.constant(kind);

type Happening =
  | 'heard'
  | 'stepped-down'
  | 'nack'
  | 'ask'
  | 'stood'
  | 'promised'
  | 'led'
  | 'granted';

const happenings = fc.array(
  fc.record({
    what: fc.constantFrom<Happening[]>(
      ...(['heard', 'stepped-down', 'nack', 'ask', 'stood', 'promised', 'led', 'granted'] as const),
    ),
    ms: fc.nat({ max: 900 }),
    from: fc.integer({ min: 1, max: 7 }),
  }),
  { maxLength: 40, size: 'max' },
);

/** Bounds of the wait that each happening begins (docs/limits.md; L1, L5, L6). */
const waits: Readonly<Record<Happening, readonly [msMin: number, msMax: number] | undefined>> = {
  heard: [300, 600],
  'stepped-down': [300, 600],
  nack: [1, 600],
  ask: [200, 400],
  stood: [300, 600 * 2 ** 5],
  promised: [300, 600 * 2 ** 5],
  led: undefined,
  granted: undefined,
};

test(
  'a replica waits as long as the limits say before it stands, and grants when it hears nobody',
  () => {
    fc.assert(
      fc.property(happenings, fc.nat({ max: 10_000 }), (all, seed) => {
        let nowMs = 5_000;
        const quorum = new Quorum(group(5));
        const random = new SeededRandom(seed);
        const election = new Election({ quorum, random, timings, nowMs });
        let heardAtMs = -Infinity;
        let grants = new Set<number>();
        for (const { what, ms, from } of all) {
          nowMs += ms;
          if (what === 'heard') election.onLeaderHeard((heardAtMs = nowMs));
          if (what === 'stepped-down') election.onSteppedDown(nowMs);
          if (what === 'nack') election.onNack(nowMs);
          if (what === 'ask') {
            election.ask(1, nowMs);
            grants = new Set([1]);
          }
          if (what === 'stood') election.onStood(nowMs);
          if (what === 'promised') election.onPromised(nowMs);
          if (what === 'led') election.onLed();
          if (what === 'granted') {
            election.onYouMay(from);
            grants.add(from);
          }
          const bounds = waits[what];
          if (bounds !== undefined) {
            expect(election.isDue(nowMs + bounds[0] - 1), what).toBe(false);
            expect(election.isDue(nowMs + bounds[1]), what).toBe(true);
          }
          expect(election.wouldGrant(nowMs)).toBe(nowMs - heardAtMs >= 300);
          const voters = [...grants].filter((id) => id <= 5).length;
          if (what === 'ask' || what === 'granted') expect(election.isGranted()).toBe(voters >= 3);
        }
      }),
      runs(151, 500),
    );
  },
  patienceMs,
);

type Step =
  | { readonly kind: 'send'; readonly ms: number }
  | { readonly kind: '2b'; readonly ahead: number; readonly ms: number }
  | { readonly kind: 'look'; readonly ms: number };

const steps = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
    { weight: 5, arbitrary: fc.record({ kind: one('send'), ms: fc.nat({ max: 60 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: one('2b'),
        ahead: fc.integer({ min: -3, max: 3 }),
        ms: fc.nat({ max: 60 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: one('look'), ms: fc.nat({ max: 2_500 }) }) },
  ),
  { maxLength: 60, size: 'max' },
);

test(
  'what a follower has only grows, and what brought nothing is sent again within two seconds',
  () => {
    const [base, resendMsMin, resendMsMax] = [4, 200, 2_000];
    fc.assert(
      fc.property(steps, (all) => {
        const progress = new Progress(2, base, resendMsMin, 0);
        progress.hasAnswered = true;
        let through = base - 1;
        let nowMs = 0;
        let changedAtMs = 0;
        for (const step of all) {
          nowMs += step.ms;
          if (step.kind === 'send') {
            if (progress.next === through + 1) changedAtMs = nowMs;
            progress.sent(progress.next, nowMs);
          }
          if (step.kind === '2b') {
            const reported = through + step.ahead;
            progress.on2b(reported, nowMs);
            if (reported > through) changedAtMs = nowMs;
            through = Math.max(through, reported);
          }
          if (step.kind === 'look') {
            const isOwed = progress.next > through + 1;
            const resends = progress.shouldResend(nowMs);
            if (nowMs - changedAtMs < resendMsMin || !isOwed) expect(resends).toBe(false);
            if (isOwed && nowMs - changedAtMs >= resendMsMax) expect(resends).toBe(true);
            if (resends) {
              expect(progress.next, 'from the first that is missing').toBe(through + 1);
              changedAtMs = nowMs;
            }
          }
          expect(progress.through).toBe(through);
          expect(progress.next).toBeGreaterThan(through);
        }
      }),
      runs(152, 1_000),
    );
  },
  patienceMs,
);

import { expect, test } from 'vitest';
import type { SleepMessage } from '../codec/host-codec.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Protocol, ReplicaView } from '../paxos/protocol.ts';
import { ballot, group, member } from '../../test/paxos/fixture.ts';
import { Sleep } from './sleep.ts';

const timings = { electionTimeoutMsMin: 300, sleepAfterMs: 1_000 };
const of = ballot(1, 1);

/** Members of a group that 1 leads, and what they say about sleep; nothing arrives by itself. */
class Dormitory {
  nowMs = 0;
  readonly sleeps = new Map<number, Sleep>();
  readonly views = new Map<number, Partial<ReplicaView>>();
  readonly busy = new Set<number>();
  readonly noisy = new Set<number>();
  readonly tidied: number[] = [];
  readonly woken: number[] = [];
  readonly isApart = new Set<string>();
  bag: { readonly from: number; readonly to: number; readonly message: SleepMessage }[] = [];

  constructor(size = 3, sleepAfterMs = timings.sleepAfterMs) {
    const ids = group(size).members.map(({ id }) => id);
    for (const id of ids) {
      this.views.set(id, {
        role: id === 1 ? 'phase2' : 'follower',
        ballot: id === 1 ? of : ballot(0, id),
        leader: { id: 1, ballot: of },
        membership: group(size),
        releasedThrough: 7,
        executedThrough: 7,
      });
      const host = {
        self: id,
        nowMs: () => this.nowMs,
        protocol: () => this.#protocol(id),
        connected: () =>
          ids.filter((to) => to !== id && !this.isApart.has(`${id}${to}`)).map((to) => member(to)),
        send: (to: number, message: SleepMessage) => void this.bag.push({ from: id, to, message }),
        isQuiet: () => !this.noisy.has(id),
        wrapUp: () => void this.tidied.push(id),
        fellAsleep: () => {},
        woke: () => void this.woken.push(id),
      };
      this.sleeps.set(id, new Sleep(host, { ...timings, sleepAfterMs }));
    }
  }

  #protocol(id: number): Protocol {
    const view = this.views.get(id) as ReplicaView;
    return { view, isIdle: !this.busy.has(id), step: () => [] };
  }

  at(id: number): Sleep {
    return this.sleeps.get(id) as Sleep;
  }

  /** Time passes; whoever is awake has its tick. Gives those whose protocol had it, too. */
  tick(ms: number): number[] {
    this.nowMs += ms;
    const ticked: number[] = [];
    for (const [id, sleep] of this.sleeps) {
      if (sleep.onTick(this.nowMs)) ticked.push(id);
      sleep.settle();
    }
    return ticked;
  }

  /** What was said arrives, but for what `loses` names, and so does what is said for it. */
  deliver(loses: (kind: string, from: number, to: number) => boolean = () => false): void {
    while (this.bag.length > 0) {
      const bag = this.bag;
      this.bag = [];
      for (const { from, to, message } of bag) {
        if (!loses(message.kind, from, to)) this.say(from, to, message);
      }
    }
  }

  say(from: number, to: number, message: SleepMessage): void {
    this.at(to).onSleepMessage(member(from), message);
    this.at(to).settle();
  }

  /** A heartbeat of the leader, to all. */
  beat(): void {
    for (const [id, sleep] of this.sleeps) if (id !== 1) sleep.onMessage(1, 'heartbeat');
  }

  get asleep(): number[] {
    return [...this.sleeps].filter(([, sleep]) => sleep.isAsleep).map(([id]) => id);
  }

  get said(): string[] {
    return this.bag.map(({ from, to, message }) => `${from}>${to} ${message.kind}`);
  }
}

/** Everybody sleeps. */
function quiet(size = 3): Dormitory {
  const d = new Dormitory(size);
  d.tick(1_000);
  d.deliver();
  expect(d.asleep).toHaveLength(size);
  return d;
}

test('a leader that had nothing to do asks all, and sleeps when all have agreed', () => {
  const d = new Dormitory();
  d.tick(999);
  expect(d.said).toEqual([]);
  d.tick(1);
  expect(d.said).toEqual(['1>2 sleep', '1>3 sleep']);
  expect(d.asleep).toEqual([]);
  d.deliver((kind, from) => kind === 'asleep' && from === 3);
  expect(d.asleep).toEqual([2, 3]);
  d.say(3, 1, { kind: 'asleep', ballot: of, round: 1 });
  expect(d.asleep).toEqual([1, 2, 3]);
  expect(d.tick(1)).toEqual([]);
});

test('by default nobody sleeps, nor asks, nor agrees', () => {
  const d = new Dormitory(3, 0);
  d.tick(1e9);
  expect(d.said).toEqual([]);
  d.say(1, 2, { kind: 'sleep', ballot: of, round: 1, decidedThrough: 7 });
  d.tick(1);
  expect([d.said, d.asleep]).toEqual([[], []]);
});

test('whatever could have waited for a tick is told and written before it sleeps', () => {
  expect(quiet().tidied.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test('while it waits for answers the leader has no ticks, and then goes on', () => {
  // A heartbeat would wake those who have agreed; none for too long has somebody stand.
  const d = new Dormitory();
  d.tick(1_000);
  d.deliver((kind, from) => kind === 'asleep' && from === 3);
  expect(d.tick(99)).toEqual([]);
  expect(d.tick(1)).toEqual([1]);
  d.beat();
  expect(d.asleep).toEqual([]);
  expect(d.woken).toEqual([2, 3]);
});

test('after a question in vain it asks again only after as long a rest', () => {
  const d = new Dormitory();
  d.busy.add(3);
  d.tick(1_000);
  d.deliver();
  d.tick(100);
  d.beat();
  d.busy.clear();
  d.tick(999);
  expect(d.said).toEqual([]);
  d.tick(1);
  d.deliver();
  expect(d.asleep).toEqual([1, 2, 3]);
});

test('an answer to an earlier question counts for nothing', () => {
  const d = new Dormitory();
  d.tick(1_000);
  d.deliver((kind) => kind === 'asleep');
  d.tick(100);
  d.beat();
  d.tick(1_000);
  for (const id of [2, 3]) d.say(id, 1, { kind: 'asleep', ballot: of, round: 1 });
  expect(d.asleep).toEqual([]);
  for (const id of [2, 3]) d.say(id, 1, { kind: 'asleep', ballot: ballot(0, 1), round: 2 });
  expect(d.asleep).toEqual([]);
});

test('whoever is busy, or whose host is, neither asks nor agrees', () => {
  for (const who of [1, 2]) {
    for (const how of ['busy', 'noisy'] as const) {
      const d = new Dormitory();
      d[how].add(who);
      d.tick(1_000);
      d.deliver();
      expect(d.asleep).toEqual(who === 1 ? [] : [3]);
    }
  }
});

test('a follower agrees as soon as it can, and not once it is too late', () => {
  for (const [afterMs, asleep] of [
    [99, [1, 2, 3]],
    [100, [3]],
  ] as const) {
    const d = new Dormitory();
    d.noisy.add(2);
    d.tick(1_000);
    d.deliver();
    d.nowMs += afterMs;
    d.noisy.clear();
    d.at(2).settle();
    d.deliver();
    expect(d.asleep).toEqual(asleep);
  }
});

test('a follower that was disturbed a moment ago does not agree', () => {
  const d = new Dormitory();
  d.tick(600);
  d.at(2).stir();
  d.tick(400);
  d.deliver();
  expect(d.asleep).toEqual([3]);
});

test('a follower agrees with its own leader only, at the very slot', () => {
  const d = new Dormitory();
  d.nowMs = 1_000;
  const question = { kind: 'sleep', round: 1, decidedThrough: 7 } as const;
  const ask = (from: number, ballotOf: Ballot, decidedThrough = 7): void => {
    d.say(from, 2, { ...question, ballot: ballotOf, decidedThrough });
    d.nowMs += 100;
    d.at(2).settle();
  };
  ask(1, ballot(0, 1));
  ask(3, ballot(1, 3));
  // Somebody else’s ballot is not his to speak of.
  ask(3, of);
  ask(1, of, 8);
  ask(1, of, 6);
  d.isApart.add('21');
  ask(1, of);
  expect(d.asleep).toEqual([]);
  d.isApart.clear();
  ask(1, of);
  expect(d.asleep).toEqual([2]);
});

test('a heartbeat that comes after the question takes it back', () => {
  const d = new Dormitory();
  d.noisy.add(2);
  d.tick(1_000);
  d.deliver();
  d.at(2).onMessage(1, 'heartbeat');
  d.noisy.clear();
  d.at(2).settle();
  expect(d.asleep).toEqual([3]);
});

test('who is not there is not asked, as long as a quorum is', () => {
  const d = new Dormitory();
  d.isApart.add('13');
  d.tick(1_000);
  expect(d.said).toEqual(['1>2 sleep']);
  d.deliver();
  expect(d.asleep).toEqual([1, 2]);
  const alone = new Dormitory();
  for (const way of ['12', '13']) alone.isApart.add(way);
  alone.tick(1_000);
  expect([alone.said, alone.asleep]).toEqual([[], []]);
});

test('a group of one sleeps without asking anybody', () => {
  const d = new Dormitory(1);
  d.tick(1_000);
  expect(d.asleep).toEqual([1]);
});

test('whatever happens wakes, and whoever wakes wakes its leader', () => {
  const d = quiet();
  d.at(2).stir();
  expect(d.said).toEqual(['2>1 awake']);
  d.deliver();
  expect([d.asleep, d.woken]).toEqual([[3], [2, 1]]);
  d.beat();
  expect(d.asleep).toEqual([]);
});

test('who is woken by its leader does not tell it, and a leader tells nobody', () => {
  const d = quiet();
  d.at(1).stir();
  d.beat();
  expect([d.asleep, d.said]).toEqual([[], []]);
  const other = quiet();
  other.at(2).onMessage(3, 'may-i');
  expect(other.said).toEqual(['2>1 awake']);
});

test('answers to what was asked before wake nobody', () => {
  const d = quiet();
  for (const kind of ['heartbeat-answer', '2b', 'grant'] as const) d.at(1).onMessage(2, kind);
  expect(d.asleep).toEqual([1, 2, 3]);
  d.at(1).onMessage(2, 'may-i');
  expect(d.asleep).toEqual([2, 3]);
});

test('a follower that wakes while others are still asked takes its word back', () => {
  const d = new Dormitory();
  d.tick(1_000);
  d.deliver((kind, from) => kind === 'asleep' && from === 3);
  d.at(2).stir();
  d.deliver();
  d.say(3, 1, { kind: 'asleep', ballot: of, round: 1 });
  expect(d.asleep).toEqual([3]);
  expect(d.tick(1)).toContain(1);
});

test('that somebody is awake disturbs no leader that is, nor one of another ballot', () => {
  const d = quiet();
  d.say(2, 1, { kind: 'awake', ballot: ballot(0, 1) });
  expect(d.asleep).toEqual([1, 2, 3]);
  const awake = new Dormitory();
  awake.tick(999);
  awake.say(2, 1, { kind: 'awake', ballot: of });
  awake.tick(1);
  expect(awake.said).toEqual(['1>2 sleep', '1>3 sleep']);
});

test('something that comes up before the last answer keeps the leader awake', () => {
  const d = new Dormitory();
  d.tick(1_000);
  d.noisy.add(1);
  d.deliver();
  expect(d.asleep).toEqual([2, 3]);
  expect(d.tick(1)).toEqual([1]);
});

test('who sleeps and is asked again says so again', () => {
  const d = new Dormitory();
  d.tick(1_000);
  d.deliver((kind) => kind === 'asleep');
  d.tick(100);
  d.tick(1_000);
  d.deliver();
  expect(d.asleep).toEqual([1, 2, 3]);
});

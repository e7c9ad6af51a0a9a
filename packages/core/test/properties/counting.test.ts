import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Acceptor } from '../../src/paxos/acceptor.ts';
import { zeroBallot } from '../../src/paxos/ballot.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import {
  ballot,
  batch,
  group,
  member,
  only,
  phase1b,
  sentOf,
  settingsOf,
} from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const majorityOf = (count: number): number => Math.ceil((count + 1) / 2);

test(
  'a quorum is more than half of the voters, each counted once, whoever else is there',
  () => {
    const memberships = fc
      .tuple(fc.integer({ min: 1, max: 7 }), fc.nat({ max: 3 }))
      .map(([voters, observers]) => {
        const all = Array.from({ length: voters + observers }, (_, i) =>
          member(i + 1, i < voters ? 'voter' : 'observer'),
        );
        return { voters, membership: group(0, { members: all }) };
      });
    const ids = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 12 });
    const reached = fc.array(fc.nat({ max: 9 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(memberships, ids, reached, ({ voters, membership }, some, through) => {
        const quorum = new Quorum(membership);
        const distinct = [...new Set(some)].filter((id) => id <= voters);
        expect(quorum.includes(new Set(some))).toBe(distinct.length >= majorityOf(voters));
        // The highest value that more than half are at or above.
        const own = through.slice(0, voters);
        const atLeast = (value: number) => own.filter((t) => t >= value).length;
        const best = Math.max(...own.filter((value) => atLeast(value) >= majorityOf(voters)));
        expect(quorum.reached((id) => through[id - 1] ?? Infinity)).toBe(best);
      }),
      runs(131, 1_000),
    );
  },
  patienceMs,
);

const of = ballot(1, 1);
const slotsInFlightMax = 6;

/** Replica 1 of `members`, leading from slot 1 on, and everything that was voted for in 1.1. */
class Stage {
  readonly members: number;
  readonly through = new Map<number, number>();
  readonly out = new Outbox();
  readonly executor = new Executor(group(3), 0);
  readonly learner = new Learner(this.executor, new Map(), 1e6);
  readonly proposer: Proposer;
  readonly #acceptor: Acceptor;
  proposed = 0;

  constructor(members: number) {
    this.members = members;
    const settings = settingsOf(1, { limits: { slotsInFlightMax } });
    const membership = group(members);
    this.#acceptor = new Acceptor({
      self: 1,
      firstSlot: 1,
      promised: zeroBallot,
      configuration: 1,
      votes: new Map(),
      lost: new Map(),
      voteAheadSlotsMax: 100,
      partBytesMax: 1_000,
      learner: this.learner,
    });
    const parts = { settings, membership, acceptor: this.#acceptor, learner: this.learner };
    this.proposer = new Proposer({ ...parts, quorum: new Quorum(membership) });
    this.proposer.startPhase1(1, 0, this.out);
    for (let id = 1; id <= majorityOf(members); id += 1) {
      this.proposer.on1b(id, phase1b(of), 0, this.out);
    }
    this.out.take();
  }

  propose(): void {
    if (this.proposer.room === 0) return;
    this.proposed += 1;
    this.proposer.propose(batch(`v${this.proposed}`), 0, this.out);
    for (const m of only(sentOf(this.out.take()), '2a')) expect(m.slot).toBe(this.proposed);
  }

  /** P5, P6: how far more than half of the voters have everything, and it was proposed. */
  get decidedThrough(): number {
    let through = 0;
    const have = (slot: number) => [...this.through.values()].filter((t) => t >= slot).length;
    while (have(through + 1) >= majorityOf(this.members)) through += 1;
    return through;
  }

  hear(from: number, through: number): void {
    const to = Math.min(through, this.proposed);
    this.through.set(from, Math.max(to, this.through.get(from) ?? 0));
    this.proposer.on2b(from, { kind: '2b', ballot: of, through: to, payload: 0n }, 0, this.out);
    this.proposer.countVotes();
    this.learner.release(this.#acceptor.votes, this.out);
    this.#acceptor.forgetReleased();
    this.out.take();
  }
}

test(
  'a slot is decided once more than half have said 2b, however often and in whatever order',
  () => {
    const steps = fc.array(
      fc.option(fc.record({ from: fc.integer({ min: 1, max: 5 }), through: fc.nat({ max: 20 }) }), {
        nil: undefined,
        freq: 3,
      }),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(fc.constantFrom(3, 4, 5), steps, (members, all) => {
        const stage = new Stage(members);
        for (const step of all) {
          if (step === undefined) stage.propose();
          else stage.hear(1 + (step.from % members), step.through);
          expect(stage.learner.releasedThrough).toBe(stage.decidedThrough);
          const room = slotsInFlightMax - (stage.proposed - stage.decidedThrough);
          expect(stage.proposer.room).toBe(room);
        }
      }),
      runs(132, 300),
    );
  },
  patienceMs,
);

test(
  'a 2b of another ballot counts for nothing',
  () => {
    const votes = fc.array(
      fc.record({
        from: fc.integer({ min: 1, max: 3 }),
        round: fc.constantFrom(0, 2, 3),
        proposer: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(votes, (all) => {
        const stage = new Stage(3);
        stage.propose();
        for (const { from, round, proposer } of all) {
          const other = ballot(round, proposer);
          const vote = { kind: '2b', ballot: other, through: 1, payload: 0n } as const;
          expect(stage.proposer.on2b(from, vote, 0, stage.out)).toBe(false);
          stage.proposer.countVotes();
          expect(stage.learner.isDecided(1)).toBe(false);
        }
      }),
      runs(133, 200),
    );
  },
  patienceMs,
);

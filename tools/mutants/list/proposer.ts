import { inFile, type Mutant } from '../mutant.ts';

const unit = 'packages/core/src/paxos/proposer.test.ts';
const deciding = 'packages/core/test/paxos/deciding.test.ts';
const durability = 'packages/core/test/paxos/durability.test.ts';
const standing = 'packages/core/test/paxos/standing.test.ts';
const reading = 'packages/core/test/paxos/reading.test.ts';
const truncation = 'packages/core/test/paxos/truncation.test.ts';
const handOver = 'packages/core/test/paxos/hand-over.test.ts';
const stories = 'packages/core/test/paxos/mutant-stories.test.ts';

const proposing = inFile(
  'packages/core/src/paxos/proposer.ts',
  [unit, deciding],
  [
    {
      name: 'the leader’s own vote counts early',
      rule: 'P5',
      find: 'this.#proposed.set(slot, value);',
      replace: 'this.#proposed.set(slot, value); this.#ownThrough = slot;',
      killers: [durability],
    },
    {
      name: 'decide on votes of two ballots',
      rule: 'P5',
      find: 'if (!this.isLeading || !sameBallot(ballot, this.#ballot)) return false;',
      replace: 'if (!this.isLeading) return false;',
    },
    {
      name: '1b’s of another ballot count',
      rule: 'P4',
      find: 'if (candidacy === undefined || !sameBallot(message.ballot, this.#ballot)) return',
      replace: 'if (candidacy === undefined) return',
    },
    {
      name: 'proposals of an earlier ballot are kept',
      rule: 'P4, P5',
      find: 'this.#proposed.clear();',
      replace: '',
      killers: [unit, deciding, stories],
    },
    {
      name: 'propose past a stop',
      rule: 'R9',
      find: 'if (!this.isLeading || this.#stopProposed) return 0;',
      replace: 'if (!this.isLeading) return 0;',
      killers: [standing],
    },
    {
      name: 'propose past a stop that was adopted',
      rule: 'R9',
      find: 'for (const value of values) if (!this.#stopProposed) this.propose(',
      replace: 'for (const value of values) this.propose(',
      killers: [standing],
    },
    {
      name: 'a candidate that has learned otherwise leads',
      rule: 'P8',
      find: 'if (this.#isOutdated(adoption)) this.stepDown();',
      replace: 'if (adoption.base < 0) this.stepDown();',
      killers: [standing],
    },
    {
      name: 'a leader goes on that learned another value for its slot',
      rule: 'P8',
      find: 'return own !== undefined && !sameValue(own, value);',
      replace: 'return false;',
    },
    {
      name: 'a leader goes on that learned a decision it has not proposed',
      rule: 'P8',
      find: 'if (slot >= this.#nextSlot) return true;',
      replace: 'if (slot >= this.#nextSlot) return false;',
    },
    {
      name: 'a leader tells more than is decided',
      rule: 'P8',
      find: 'decidedThrough: this.#options.learner.releasedThrough,',
      replace: 'decidedThrough: this.#nextSlot - 1,',
    },
    {
      name: 'a leader’s window is not bounded',
      rule: 'L6',
      find: 'Math.min(slotsInFlightMax - this.#proposed.size, voteAheadSlotsMax - ahead)',
      replace: 'voteAheadSlotsMax - ahead',
    },
    {
      name: 'a leader runs ahead of what it has released',
      rule: 'L6',
      find: 'Math.min(slotsInFlightMax - this.#proposed.size, voteAheadSlotsMax - ahead)',
      replace: 'slotsInFlightMax - this.#proposed.size',
    },
    {
      name: 'the barrier leaves out what was adopted',
      rule: 'Q1',
      find: 'this.#barrier = this.#nextSlot - 1;',
      replace: 'this.#barrier = base - 1;',
      killers: [reading],
    },
    {
      name: 'heartbeat answers of another ballot count',
      rule: 'Q1, L2',
      find: 'if (this.#reads === undefined || !sameBallot(message.ballot, this.#ballot)) return;',
      replace: 'if (this.#reads === undefined) return;',
      killers: [unit, reading, stories],
    },
    {
      name: 'stuck below firstSlot',
      rule: 'R7',
      find: 'return nowMs - this.#learningSinceMs > settings.timings.learnStallMs;',
      replace: 'return false;',
      killers: [truncation],
    },
    {
      name: 'a leader that learns slowly stands again for nothing',
      rule: 'R7',
      find: `onLearned(nowMs: number): void {
    this.#learningSinceMs = nowMs;`,
      replace: 'onLearned(_: number): void {',
      killers: [truncation],
    },
    {
      name: 'what a leader learns from a 1b is not written',
      rule: 'P2, P11',
      find: "out.persist([{ kind: 'decided', slot, value }]);",
      replace: '',
    },
    {
      name: 'an heir without a vote',
      rule: 'L3',
      find: `quorum.voters.includes(id) &&
        hasAnswered`,
      replace: 'hasAnswered',
      killers: [handOver, unit, stories],
    },
    {
      name: 'an heir that lacks decided slots',
      rule: 'L3',
      find: 'through >= learner.releasedThrough &&',
      replace: '',
      killers: [handOver, unit, stories],
    },
    {
      name: 'a candidate stands anew while its ballot is being written',
      rule: 'L6',
      find: 'return this.#candidacy?.isWriting ?? false;',
      replace: 'return false;',
      killers: [unit, 'packages/core/src/paxos/replica.test.ts', stories],
    },
  ],
);

const progress = inFile(
  'packages/core/src/paxos/progress.ts',
  ['packages/core/src/paxos/progress.test.ts', unit],
  [
    {
      name: 'a follower’s watermark goes back',
      rule: 'P6',
      find: 'if (through <= this.through) return;',
      replace: '',
    },
    {
      name: 'nothing is sent again',
      rule: 'P6',
      find: `this.next = this.through + 1;
    this.#progressAtMs = nowMs;`,
      replace: 'this.#progressAtMs = nowMs;',
    },
    {
      name: 'what is sent again is sent ever as often',
      rule: 'L6',
      find: 'Math.min(resendMsMax, 2 * this.#resendMs);',
      replace: 'this.#resendMs;',
    },
    {
      name: 'everything is sent again to whoever never answered',
      rule: 'L6',
      find: 'if (this.next === this.through + 1 || !this.hasAnswered) return false;',
      replace: 'if (this.next === this.through + 1) return false;',
    },
  ],
);

const handOvers = inFile(
  'packages/core/src/paxos/hand-over.ts',
  [handOver],
  [
    {
      name: 'a stalled leader stays',
      rule: 'L3',
      find: 'const isStalled = this.#proposer.ownOutstandingMs(nowMs) > this.#stallMs;',
      replace: 'const isStalled = false;',
    },
    {
      name: 'an heir without room',
      rule: 'S5',
      find: '!progress.full && ms < this.#stallMs / 2',
      replace: 'ms < this.#stallMs / 2',
    },
    {
      name: 'an heir whose log is slow too',
      rule: 'L3',
      find: '!progress.full && ms < this.#stallMs / 2',
      replace: '!progress.full',
    },
    {
      name: 'the place is offered at every tick',
      rule: 'L6',
      find: '|| this.isOffered(nowMs)) return;',
      replace: ') return;',
    },
    {
      name: 'offers come as often as ever',
      rule: 'L6',
      find: 'this.#pauseMs = Math.min(pauseMsMax, 2 * this.#pauseMs);',
      replace: '{}',
    },
  ],
);

export const proposerMutants: readonly Mutant[] = [...proposing, ...progress, ...handOvers];

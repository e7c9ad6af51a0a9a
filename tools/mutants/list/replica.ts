import { inFile, type Mutant } from '../mutant.ts';

const unit = 'packages/core/src/paxos/replica.test.ts';
const messages = 'packages/core/src/paxos/replica-messages.test.ts';
const deciding = 'packages/core/test/paxos/deciding.test.ts';
const handOver = 'packages/core/test/paxos/hand-over.test.ts';
const leaders = 'packages/core/test/paxos/leaders.test.ts';
const members = 'packages/core/test/paxos/members.test.ts';
const reading = 'packages/core/test/paxos/reading.test.ts';
const standing = 'packages/core/test/paxos/standing.test.ts';
const truncation = 'packages/core/test/paxos/truncation.test.ts';
const heirs = 'packages/core/test/paxos/heirs.test.ts';

const leading = inFile(
  'packages/core/src/paxos/replica.ts',
  [leaders, unit, messages],
  [
    {
      name: 'a higher ballot does not depose',
      rule: 'P1',
      find: 'this.#follow(again ? this.#leader : undefined);',
      replace: '',
    },
    {
      name: 'giving a 1b does not count as hearing',
      rule: 'L1',
      find: `this.election.onLeaderHeard(nowMs);
  }

  #on1b(`,
      replace: `}

  #on1b(`,
    },
    {
      name: 'pre-vote off',
      rule: 'L1',
      find: 'if (this.#preVote.ask(ballot, nowMs, this.#out)) this.#stand(nowMs);',
      replace: 'this.#stand(nowMs);',
    },
    {
      name: 'a leader with a quorum lets another stand',
      rule: 'L1',
      find: 'if (!fine && deposesNobody)',
      replace: 'if (deposesNobody)',
    },
    {
      name: 'check-quorum off',
      rule: 'L2',
      find: 'if (!this.proposer.hasQuorum(1.5 * electionTimeoutMsMin, nowMs)) {',
      replace: 'if (nowMs < 0) {',
    },
    {
      name: 'a round is used again',
      rule: 'P1',
      find: 'Math.max(this.#maxRound, this.acceptor.promised.round) + 1;',
      replace: 'Math.max(this.#maxRound, this.acceptor.promised.round);',
    },
    {
      name: 'a nacked leader without a quorum stands again',
      rule: 'L1',
      find: 'if (isFine && !this.#handOver.isOffered(nowMs)) this.#stand(nowMs);',
      replace: 'if (!this.#handOver.isOffered(nowMs)) this.#stand(nowMs);',
    },
    {
      name: 'a nacked leader with a quorum gives up',
      rule: 'L1',
      find: 'if (isFine && !this.#handOver.isOffered(nowMs)) this.#stand(nowMs);',
      replace: 'if (nowMs < 0) this.#stand(nowMs);',
    },
    {
      name: 'a leader stands against its heir',
      rule: 'L3, L4',
      find: 'if (isFine && !this.#handOver.isOffered(nowMs)) this.#stand(nowMs);',
      replace: 'if (isFine) this.#stand(nowMs);',
      killers: [heirs],
    },
    {
      name: 'a nack for another ballot ends this one',
      rule: 'L1',
      find: 'if (!sameBallot(ballot, this.proposer.ballot)) return;',
      replace: '',
    },
    {
      name: 'an offer of an earlier ballot makes stand',
      rule: 'L4',
      find: 'if (isLed && this.#mayVote && !this.#full) this.#stand(nowMs, ballot);',
      replace: 'if (this.#mayVote && !this.#full) this.#stand(nowMs, ballot);',
      killers: [handOver],
    },
    {
      name: 'a full log takes an offered place',
      rule: 'S5',
      find: 'if (isLed && this.#mayVote && !this.#full) this.#stand(nowMs, ballot);',
      replace: 'if (isLed && this.#mayVote) this.#stand(nowMs, ballot);',
      killers: [heirs],
    },
    {
      name: 'a leader without room takes commands',
      rule: 'S5',
      find: 'return this.#mayVote && !this.#full ? this.proposer.room : 0;',
      replace: 'return this.#mayVote ? this.proposer.room : 0;',
      killers: [handOver],
    },
    {
      name: 'a leader that learns against itself goes on',
      rule: 'P8',
      find: 'if (this.#learning.deposes(reply)) {',
      replace: 'if (nowMs < 0) {',
      killers: [deciding],
    },
  ],
);

const taking = inFile(
  'packages/core/src/paxos/replica.ts',
  [members],
  [
    {
      name: 'a store that is not named votes, by its id',
      rule: 'S2',
      find: "this.#voter = memberOf(membership, self, store)?.role === 'voter';",
      replace: "this.#voter = membership.members.find((m) => m.id === self)?.role === 'voter';",
    },
    {
      name: 'a store that is not named promises',
      rule: 'S2',
      find: 'if (!this.#mayVote || from === this.#settings.self) return;',
      replace: 'if (from === this.#settings.self) return;',
    },
    {
      name: 'a store that is not named votes',
      rule: 'S2',
      find: `case '2a':
        if (!this.#mayVote) return;`,
      replace: "case '2a':",
    },
    {
      name: 'a store that is not named answers heartbeats',
      rule: 'S2, L2',
      find: `if (!this.#mayVote) return;
    const { executedThrough }`,
      replace: 'const { executedThrough }',
    },
    {
      name: 'whoever has released its stop goes on voting',
      rule: 'R9',
      find: 'return this.#voter && this.executor.stoppedAt === undefined;',
      replace: 'return this.#voter;',
      killers: [standing],
    },
    {
      name: 'a leader goes on past its released stop',
      rule: 'R9',
      find: "if (this.executor.stoppedAt !== undefined && this.#role !== 'follower')",
      replace: 'if (nowMs < 0)',
      killers: [standing, reading],
    },
    {
      name: 'messages of another configuration count',
      rule: 'R1',
      find: 'if (message.ballot.configuration !== this.membership.number) return;',
      replace: '',
    },
    {
      name: 'the word of a deposed leader in a 2a is heard',
      rule: 'P8',
      find: `this.acceptor.on2a(from, message, this.#out);
        if (!this.#isCurrent(message.ballot)) return;`,
      replace: 'this.acceptor.on2a(from, message, this.#out);',
      killers: [deciding, messages],
    },
    {
      name: 'the word of a deposed leader is heard',
      rule: 'P8',
      find: `case 'decided':
        if (!this.#isCurrent(message.ballot)) return;`,
      replace: "case 'decided':",
      killers: [deciding, messages],
    },
    {
      name: 'a member that has promised more confirms a round',
      rule: 'Q1',
      find: 'if (!this.#isCurrent(ballot)) {',
      replace: 'if (nowMs < 0) {',
      killers: [reading],
    },
    {
      name: 'recovered before the barrier is executed',
      rule: 'Q1',
      find: 'if (this.executor.executedThrough < this.proposer.barrier) return;',
      replace: '',
      killers: [unit, reading],
    },
    {
      name: 'reads of a leader that steps down are forgotten',
      rule: 'Q1',
      find: 'this.#reading.refuseAll(this.#out);',
      replace: '',
      killers: [reading],
    },
    {
      name: 'truncate what is not executed',
      rule: 'P11',
      find: ' || before > this.executor.executedThrough + 1) return;',
      replace: ') return;',
      killers: [truncation],
    },
    {
      name: 'whoever installs a snapshot stays a candidate',
      rule: 'R8',
      find: `this.election.onSteppedDown(nowMs);
    this.#follow(this.#leader);`,
      replace: '',
      killers: [truncation],
    },
  ],
);

const elections = inFile(
  'packages/core/src/paxos/election.ts',
  ['packages/core/src/paxos/election.test.ts', leaders],
  [
    {
      name: 'whoever hears a leader lets another stand',
      rule: 'L1',
      find: 'return nowMs - this.#leaderHeardAtMs >= this.#options.timings.electionTimeoutMsMin;',
      replace: 'return true;',
    },
    {
      name: 'a leader that is heard keeps nobody from standing',
      rule: 'L1',
      find: `this.#standAtMs = nowMs + this.#draw(electionTimeoutMsMin);
    ensures(`,
      replace: 'ensures(',
    },
    {
      name: 'grants of an earlier question count',
      rule: 'L1',
      find: 'this.#grants.clear();',
      replace: '',
    },
    {
      name: 'the wait for promises does not grow',
      rule: 'L6',
      find: 'const factor = 2 ** Math.max(0, this.#failures - 1);',
      replace: 'const factor = 1;',
    },
    {
      name: 'everybody stands at the same time',
      rule: 'L5',
      find: 'return msMin + this.#options.random.below(Math.max(1, Math.floor(msMin)));',
      replace: 'return msMin;',
    },
  ],
);

const preVotes = inFile(
  'packages/core/src/paxos/pre-vote.ts',
  [messages, unit],
  [
    {
      name: 'a you-may to an earlier question counts',
      rule: 'L1',
      find: ' || ballot.round !== this.#askedRound) return false;',
      replace: ') return false;',
    },
  ],
);

export const replicaMutants: readonly Mutant[] = [...leading, ...taking, ...elections, ...preVotes];

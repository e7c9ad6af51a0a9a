import { inFile, type Mutant } from '../mutant.ts';

const reading = 'packages/core/test/paxos/reading.test.ts';
const leaders = 'packages/core/test/paxos/leaders.test.ts';
const leaderReads = 'packages/core/src/paxos/leader-reads.test.ts';

const rounds = inFile(
  'packages/core/src/paxos/leader-reads.ts',
  [leaderReads, reading],
  [
    {
      name: 'late read joins a round',
      rule: 'Q1',
      find: 'this.#waiting.push(read);',
      replace: `if (this.#running === undefined) this.#waiting.push(read);
    else (this.#running.asked as ReadAsked[]).push(read);`,
    },
    {
      name: 'answers to an earlier heartbeat confirm a round',
      rule: 'Q1',
      find: 'number: this.#round + 1,',
      replace: 'number: this.#round,',
    },
    {
      name: 'a round is confirmed by nobody',
      rule: 'Q1',
      find: 'if (this.#quorum.reached(answered) < running.number) return undefined;',
      replace: '',
    },
    {
      name: 'a quorum is heard when it answers, not when it was asked',
      rule: 'L2',
      find: 'const sentAtMs = this.#sentAtMs.get(round) ?? -Infinity;',
      replace: 'const sentAtMs = this.#sentAtMs.get(this.#round) ?? -Infinity;',
      killers: [leaderReads, leaders],
    },
    {
      name: 'the running round is not refused at the end',
      rule: 'Q1',
      find: '...(this.#running?.asked ?? []), ',
      replace: '',
    },
  ],
);

const targets = inFile(
  'packages/core/src/paxos/reading.ts',
  ['packages/core/src/paxos/reading.test.ts', reading],
  [
    {
      name: 'read before the barrier',
      rule: 'Q1',
      find: 'Math.max(this.#executor.releasedThrough, barrier)',
      replace: 'this.#executor.releasedThrough',
    },
    {
      name: 'read before what was decided when it came',
      rule: 'Q1',
      find: 'Math.max(this.#executor.releasedThrough, barrier)',
      replace: 'barrier',
    },
    {
      name: 'read what is released and not executed',
      rule: 'Q1',
      find: 'this.#reads.release(this.#executor.executedThrough, out);',
      replace: 'this.#reads.release(this.#executor.releasedThrough, out);',
    },
  ],
);

const own = inFile(
  'packages/core/src/paxos/reads.ts',
  ['packages/core/src/paxos/reads.test.ts', reading],
  [
    {
      name: 'an answer to an earlier request serves a later one',
      rule: 'Q1',
      find: 'if (this.#asked?.number !== number) return;',
      replace: 'if (this.#asked === undefined) return;',
    },
    {
      name: 'a read is served before its slot is executed',
      rule: 'Q1',
      find: 'const ready = this.#granted.filter((g) => g.target <= executedThrough);',
      replace: 'const ready = this.#granted;',
    },
    {
      name: 'a slot that an earlier leader named is waited for',
      rule: 'Q1, L6',
      find: 'if (!sameBallot(ballot, this.#ballot)) this.#onLeader(ballot);',
      replace: '',
    },
    {
      name: 'a request that is lost is not repeated',
      rule: 'L6',
      find: 'if (nowMs - this.#asked.atMs < this.#retryMs) return undefined;',
      replace: 'return undefined;',
    },
  ],
);

export const readMutants: readonly Mutant[] = [...rounds, ...targets, ...own];

import { inFile, type Mutant } from '../mutant.ts';

/** Idle groups go without ticks: who may, and what wakes them (decision 21). */
const agreeing: readonly Mutant[] = inFile(
  'packages/core/src/host/sleep.ts',
  ['packages/core/src/host/sleep.test.ts'],
  [
    {
      name: 'a leader sleeps before all have agreed',
      rule: 'L6',
      find: 'if (open.size > 0) return;',
      replace: '',
    },
    {
      name: 'an answer to an earlier question counts',
      rule: 'L6',
      find: 'if (this.#asked?.round !== round || !sameBallot(this.#asked.ballot, ballot)) return;',
      replace: 'if (this.#asked === undefined) return;',
    },
    {
      name: 'a leader that asks goes on with heartbeats',
      rule: 'L6',
      find: 'if (nowMs < this.#asked.untilMs) return false;',
      replace: 'if (nowMs < this.#asked.untilMs) return true;',
    },
    {
      name: 'a leader that is not answered waits for ever',
      rule: 'L6',
      find: 'if (nowMs < this.#asked.untilMs) return false;',
      replace: 'return false;',
    },
    {
      name: 'a follower sleeps behind its leader',
      rule: 'L6',
      find: 'if (executedThrough !== decidedThrough || !this.#mayRest(protocol)) return;',
      replace: 'if (!this.#mayRest(protocol)) return;',
    },
    {
      name: 'a follower sleeps for whoever says so',
      rule: 'L1',
      find: 'if (leader === undefined || !sameBallot(leader.ballot, ballot)) return;',
      replace: 'if (leader === undefined) return;',
    },
    {
      name: 'a follower sleeps that would not hear its leader die',
      rule: 'L1',
      find: 'return leader !== undefined && reached.has(leader.id);',
      replace: 'return leader !== undefined;',
    },
    {
      name: 'a leader sleeps without a quorum',
      rule: 'L2',
      find: 'return new Quorum(membership).includes(reached);',
      replace: 'return true;',
    },
    {
      name: 'whoever has something to do sleeps',
      rule: 'L6',
      find: 'if (!protocol.isIdle || !this.#host.isQuiet()) return false;',
      replace: '',
    },
    {
      name: 'whoever wakes tells nobody',
      rule: 'L1',
      find: "this.#host.send(leader.id, { kind: 'awake', ballot: leader.ballot });",
      replace: '',
    },
    {
      name: 'a leader sleeps on while its follower is awake',
      rule: 'L1',
      find: 'if (this.#isAsleep || this.#asked !== undefined) this.stir();',
      replace: '',
    },
    {
      name: 'a heartbeat does not wake',
      rule: 'L1',
      find: "if (kind !== 'heartbeat' || this.#isAsleep) this.stir(from);",
      replace: "if (kind !== 'heartbeat') this.stir(from);",
    },
  ],
);

const scripts = 'packages/core/test/scripts/scripts.test.ts';

const waking: readonly Mutant[] = [
  ...inFile(
    'packages/core/src/host/host.ts',
    [scripts],
    [
      {
        name: 'a connection that breaks wakes nobody',
        rule: 'L1',
        find: `this.wake();
    if (up) {`,
        replace: 'if (up) {',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/host/rhythm.ts',
    ['packages/core/src/host/rhythm.test.ts'],
    [
      {
        name: 'a leader that sleeps forgets what is due',
        rule: 'P9, P10',
        find: "if (this.#host.protocol()?.view.role === 'phase2') this.#nap();",
        replace: '',
      },
      {
        name: 'whoever sleeps ticks on',
        rule: 'L6',
        find: `this.end();
    this.#parts.counters.count('sleeps');`,
        replace: "this.#parts.counters.count('sleeps');",
      },
    ],
  ),
  ...inFile(
    'packages/core/src/paxos/rest.ts',
    ['packages/core/src/paxos/rest.test.ts'],
    [
      {
        name: 'whoever wakes stands, or has others stand, at once',
        rule: 'L1',
        find: 'election.onLeaderHeard(nowMs);',
        replace: '',
      },
      {
        name: 'a leader that wakes gives up for want of answers that it did not ask for',
        rule: 'L2',
        find: 'proposer.reads?.onWoken(nowMs);',
        replace: '',
      },
      {
        name: 'a leader that proposes is idle',
        rule: 'L6',
        find: 'releasedThrough >= proposer.proposedThrough && ',
        replace: '',
      },
      {
        name: 'whoever has promised more sleeps under its old leader',
        rule: 'L1',
        find: ' || compareBallots(acceptor.promised, leader.ballot) > 0) return false;',
        replace: ') return false;',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/paxos/leader-reads.ts',
    ['packages/core/test/paxos/leases.test.ts'],
    [
      {
        name: 'waking renews a lease',
        rule: 'Q2',
        find: 'for (const voter of this.#quorum.voters) this.#heardAtMs.set(voter, nowMs);',
        replace: `for (const voter of this.#quorum.voters) {
      this.#heardAtMs.set(voter, nowMs);
      this.lease.onGrant(voter, nowMs);
    }`,
      },
    ],
  ),
];

export const sleepMutants: readonly Mutant[] = [...agreeing, ...waking];

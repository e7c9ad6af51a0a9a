import { inFile, type Mutant } from '../mutant.ts';

const unit = 'packages/core/src/paxos/phase1.test.ts';
const phaseOne = 'packages/core/test/paxos/phase-one.test.ts';
const truncation = 'packages/core/test/paxos/truncation.test.ts';
const quorum = 'packages/core/src/paxos/quorum.test.ts';
const members = 'packages/core/test/paxos/members.test.ts';

/** What a proposer may propose. */
const adoption = inFile(
  'packages/core/src/paxos/phase1.ts',
  [unit, phaseOne],
  [
    {
      name: 'adopt the lowest instead of the highest ballot',
      rule: 'P4',
      find: 'return compareBallots(candidate.ballot, current.ballot) > 0;',
      replace: 'return compareBallots(candidate.ballot, current.ballot) < 0;',
    },
    {
      name: 'a vote outranks a decision',
      rule: 'P4',
      find: "if (candidate.state === 'decided') return true;",
      replace: "if (candidate.state === 'decided') return false;",
    },
    {
      name: 'ignore holes',
      rule: 'P4',
      find: 'values.push(value);',
      replace: 'if (reported !== undefined) values.push(value);',
    },
    {
      name: 'propose without a quorum of promises',
      rule: 'P4',
      find: 'if (!this.#quorum.includes(this.#complete)) return undefined;',
      replace: '',
    },
    {
      name: 'a 1b counts before all its parts are there',
      rule: 'P4',
      find: 'if (told.nextSlot === undefined) this.#complete.add(from);',
      replace: 'this.#complete.add(from);',
    },
    {
      name: 'a part behind a gap counts',
      rule: 'P4',
      find: 'if (message.fromSlot !== this.nextSlotOf(from)) return false;',
      replace: 'if (message.fromSlot < (this.nextSlotOf(from) ?? Infinity)) return false;',
    },
    {
      name: 'a part that comes twice counts twice',
      rule: 'P4',
      find: 'if (message.fromSlot !== this.nextSlotOf(from)) return false;',
      replace: 'if (message.fromSlot > (this.nextSlotOf(from) ?? 0)) return false;',
    },
    {
      name: 'propose below firstSlot heard',
      rule: 'R7',
      find: 'message.firstSlot - 1,',
      replace: '0,',
      killers: [truncation, unit],
    },
    {
      name: 'propose below what others have released',
      rule: 'R7, P8',
      find: `message.decidedThrough,
    );`,
      replace: `0,
    );`,
    },
    {
      name: 'propose below what it has released itself meanwhile',
      rule: 'P8',
      find: 'this.#heardThrough + 1, releasedThrough + 1);',
      replace: 'this.#heardThrough + 1);',
      killers: [unit, 'packages/core/test/paxos/standing.test.ts'],
    },
    {
      name: 'a member that lost its vote counts for that slot',
      rule: 'S3',
      find: 'if (best === undefined || !covers(best, one.ballot)) counting.delete(from);',
      replace: '',
    },
    {
      name: 'a lower vote covers a lost one',
      rule: 'S3',
      find: 'compareBallots(best.ballot, lost) >= 0;',
      replace: 'compareBallots(best.ballot, lost) > -Infinity;',
    },
    {
      name: 'a vote of the same ballot does not cover a lost one',
      rule: 'S3',
      find: 'compareBallots(best.ballot, lost) >= 0;',
      replace: 'compareBallots(best.ballot, lost) > 0;',
    },
    {
      name: 'two lost votes cover each other',
      rule: 'S3',
      find: "return best.state === 'voted' && compareBallots(",
      replace: 'return compareBallots(',
    },
    {
      name: 'a lost vote outranks one that is there',
      rule: 'S3',
      find: "if (current === undefined || current.state === 'lost') return true;",
      replace: `if (current === undefined) return true;
  if (current.state === 'lost') return false;`,
    },
  ],
);

/** What a candidate asks for, and when. */
const asking = inFile(
  'packages/core/src/paxos/candidacy.ts',
  [phaseOne],
  [
    {
      name: 'the rest of a promise is not asked for',
      rule: 'P4',
      find: `    this.#ask(from, out);
`,
      replace: '',
    },
    {
      name: 'the rest of a promise is asked for from the start',
      rule: 'P4',
      find: 'message: this.#question(nextSlot)',
      replace: 'message: this.#question(this.#options.fromSlot)',
    },
    {
      name: 'a candidate stands anew over a lost part',
      rule: 'P4, L6',
      find: 'if (!isOwn) this.#wasTold = true;',
      replace: '',
    },
    {
      name: 'a candidate asks again for ever',
      rule: 'L6',
      find: `    this.#wasTold = false;
`,
      replace: '',
    },
    {
      name: 'its own promise is enough to ask again',
      rule: 'L6',
      find: 'if (!isOwn) this.#wasTold = true;',
      replace: 'this.#wasTold = true;',
      killers: ['packages/core/src/paxos/replica.test.ts'],
    },
  ],
);

/** Who decides, and how many of them. */
const quorums = inFile(
  'packages/core/src/paxos/quorum.ts',
  [quorum],
  [
    {
      name: 'quorum off by one',
      rule: 'P5',
      find: 'Math.floor(count / 2) + 1;',
      replace: 'Math.floor(count / 2);',
    },
    {
      name: 'half of an even number is a quorum',
      rule: 'P5',
      find: 'Math.floor(count / 2) + 1;',
      replace: 'Math.ceil(count / 2);',
    },
    {
      name: 'count a member twice',
      rule: 'P5',
      find: '[...new Set(votersOf(membership).map((m) => m.id))];',
      replace: 'votersOf(membership).map((m) => m.id);',
    },
    {
      name: 'observers count',
      rule: 'P5',
      find: 'votersOf(membership).map((m) => m.id)',
      replace: 'membership.members.map((m) => m.id)',
      killers: [quorum, members],
    },
    {
      name: 'what anybody has reached is decided',
      rule: 'P5',
      find: 'return values[this.size - 1] ?? -Infinity;',
      replace: 'return values[0] ?? -Infinity;',
    },
  ],
);

const ballots = inFile(
  'packages/core/src/paxos/ballot.ts',
  ['packages/core/src/paxos/ballot.test.ts'],
  [
    {
      name: 'a later configuration does not depose',
      rule: 'R6',
      find: 'return a.configuration - b.configuration || a.round - b.round ||',
      replace: 'return a.round - b.round ||',
    },
    {
      name: 'two proposers share a ballot',
      rule: 'P1',
      find: ' || a.proposer - b.proposer;',
      replace: ';',
    },
  ],
);

const memberships = inFile(
  'packages/core/src/paxos/membership.ts',
  [members],
  [
    {
      name: 'membership by id only',
      rule: 'S2',
      find: 'm.id === id && m.store === store',
      replace: 'm.id === id',
      killers: ['packages/core/src/paxos/membership.test.ts', members],
    },
  ],
);

export const phase1Mutants: readonly Mutant[] = [
  ...adoption,
  ...asking,
  ...quorums,
  ...ballots,
  ...memberships,
];

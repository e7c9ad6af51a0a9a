import { inFile, type Mutant } from '../mutant.ts';

const unit = 'packages/core/src/paxos/learner.test.ts';
const deciding = 'packages/core/test/paxos/deciding.test.ts';
const standing = 'packages/core/test/paxos/standing.test.ts';
const members = 'packages/core/test/paxos/members.test.ts';
const truncation = 'packages/core/test/paxos/truncation.test.ts';
const heirs = 'packages/core/test/paxos/heirs.test.ts';
const stories = 'packages/core/test/paxos/mutant-stories.test.ts';

const learner = inFile(
  'packages/core/src/paxos/learner.ts',
  [unit, deciding],
  [
    {
      name: 'decidedThrough over a slot voted in an older ballot',
      rule: 'P8',
      find: 'return sameBallot(vote.ballot, ballot) ? vote.value : undefined;',
      replace: 'return vote.value;',
    },
    {
      name: 'a leader’s word proves votes below its base',
      rule: 'P8',
      find: 'if (vote === undefined || slot < base || slot > through) return undefined;',
      replace: 'if (vote === undefined || slot > through) return undefined;',
    },
    {
      name: 'a leader’s word proves votes beyond it',
      rule: 'P8',
      find: 'if (vote === undefined || slot < base || slot > through) return undefined;',
      replace: 'if (vote === undefined || slot < base) return undefined;',
    },
    {
      name: 'the word of an older ballot replaces that of a newer one',
      rule: 'P8',
      find: 'if (order < 0 || (order === 0 && through <= this.#heard.through)) return;',
      replace: 'if (order === 0 && through <= this.#heard.through) return;',
    },
    {
      name: 'a leader’s word goes back',
      rule: 'P8',
      find: 'if (order < 0 || (order === 0 && through <= this.#heard.through)) return;',
      replace: 'if (order < 0) return;',
      killers: [unit, deciding, stories],
    },
    {
      name: 'execute out of order',
      rule: 'P7',
      find: `const slot = this.releasedThrough + 1;
      const value`,
      replace: `const slot = this.#decided.keys().next().value ?? this.releasedThrough + 1;
      const value`,
    },
    {
      name: 'what is decided past a stop is released',
      rule: 'R9',
      find: 'while (this.#executor.stoppedAt === undefined) {',
      replace: 'for (;;) {',
      killers: [standing, unit],
    },
    {
      name: 'what is decided past a stop is kept',
      rule: 'R9',
      find: 'this.#decided.clear();',
      replace: '',
      killers: [standing, unit, stories],
    },
    {
      name: 'a gap below a decided slot is not looked for',
      rule: 'L6',
      find: `this.#knownThrough = Math.max(this.#knownThrough, slot);
    if (slot >`,
      replace: 'if (slot >',
    },
    {
      name: 'a gap below a leader’s word is not looked for',
      rule: 'L6',
      find: `this.#knownThrough = Math.max(this.#knownThrough, through);
    const order`,
      replace: 'const order',
    },
  ],
);

const executor = inFile(
  'packages/core/src/paxos/executor.ts',
  ['packages/core/src/paxos/executor.test.ts'],
  [
    {
      name: 'a stop does not stop',
      rule: 'R9',
      find: "if (kindOf(value) === 'stop' && slot >= this.#membership.firstSlot) {",
      replace: "if (kindOf(value) === 'stop' && slot < 0) {",
    },
    {
      name: 'the stop of an earlier configuration ends this one',
      rule: 'R2',
      find: "if (kindOf(value) === 'stop' && slot >= this.#membership.firstSlot) {",
      replace: "if (kindOf(value) === 'stop') {",
    },
    {
      name: 'what is executed goes back',
      rule: 'P7',
      find: 'this.#executedThrough = Math.max(this.#executedThrough, through);',
      replace: 'this.#executedThrough = through;',
    },
    {
      name: 'an older snapshot is installed',
      rule: 'P7, R8',
      find: 'if (slot <= this.#releasedThrough) return;',
      replace: '',
    },
  ],
);

const learning = inFile(
  'packages/core/src/paxos/learning.ts',
  ['packages/core/src/paxos/learning.test.ts', members, heirs],
  [
    {
      name: 'serve a learn range with a hole',
      rule: 'R1',
      find: `for (let slot = fromSlot; slot >= firstSlot && slot <= decidedThrough; slot += 1) {
      const value = this.#parts.learner.valueOf(slot);
      if (value === undefined) break;`,
      replace: `for (let slot = fromSlot; slot <= this.#parts.learner.knownThrough; slot += 1) {
      const value = this.#parts.learner.valueOf(slot);
      if (value === undefined) continue;`,
    },
    {
      name: 'serve what is decided and not released',
      rule: 'R1',
      find: 'if (fromSlot > decidedThrough) return;',
      replace: '',
    },
    {
      name: 'serve from the log what was truncated',
      rule: 'R1, R7',
      find: 'if (fromSlot >= firstSlot && fromSlot < this.#parts.learner.cacheFirstSlot) {',
      replace: 'if (fromSlot < this.#parts.learner.cacheFirstSlot) {',
      killers: [truncation],
    },
    {
      name: 'a reply is as long as it comes',
      rule: 'L6',
      find: 'if (values.length > 0 && bytes > max) break;',
      replace: '',
    },
    {
      name: 'what was learned is not written',
      rule: 'P2, P11',
      find: "out.persist([{ kind: 'decided', slot, value }]);",
      replace: '',
    },
    {
      name: 'two decided values in a slot pass in silence',
      rule: 'P5',
      find: 'if (known !== undefined && !sameValue(known, value)) {',
      replace: 'if (known === value && !sameValue(known, value)) {',
    },
    {
      name: 'what is learned however far ahead is kept',
      rule: 'L6',
      find: 'if (slot > learner.releasedThrough + this.#settings.limits.voteAheadSlotsMax) return;',
      replace: '',
    },
    {
      name: 'whoever is behind everybody’s log does not say so',
      rule: 'R7',
      find: 'if (reply.values.length === 0 && reply.firstSlot > need) {',
      replace: 'if (reply.firstSlot < 0) {',
    },
  ],
);

const records = inFile(
  'packages/core/src/paxos/decided-record.ts',
  ['packages/core/src/paxos/decided-record.test.ts'],
  [
    {
      name: 'decided-through passes what is released',
      rule: 'P11',
      find: "out.persist([{ kind: 'decided-through', slot }]);",
      replace: "out.persist([{ kind: 'decided-through', slot: slot + 1 }]);",
    },
    {
      name: 'decided-through is not written in time',
      rule: 'L6',
      find: 'slot - this.#through >= this.#slotsMax ||',
      replace: '',
    },
  ],
);

const catchUp = inFile(
  'packages/core/src/paxos/catch-up.ts',
  ['packages/core/src/paxos/catch-up.test.ts'],
  [
    {
      name: 'asks at every tick for what is missing',
      rule: 'L6',
      find: 'if (nowMs - this.#asked.atMs < this.#retryMs) return undefined;',
      replace: '',
    },
    {
      name: 'asks the same member for ever',
      rule: 'L6',
      find: 'if (this.#good === undefined) this.#turn += 1;',
      replace: '',
    },
  ],
);

const cache = inFile(
  'packages/core/src/paxos/value-cache.ts',
  ['packages/core/src/paxos/value-cache.test.ts'],
  [
    {
      name: 'the cache grows without a bound',
      rule: 'L6',
      find: 'this.#evict();',
      replace: '',
    },
  ],
);

export const learnerMutants: readonly Mutant[] = [
  ...learner,
  ...executor,
  ...learning,
  ...records,
  ...catchUp,
  ...cache,
];

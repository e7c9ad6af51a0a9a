import { inFile, type Mutant } from '../mutant.ts';

const unit = 'packages/core/src/paxos/acceptor.test.ts';
const durability = 'packages/core/test/paxos/durability.test.ts';
const deciding = 'packages/core/test/paxos/deciding.test.ts';
const phaseOne = 'packages/core/test/paxos/phase-one.test.ts';
const truncation = 'packages/core/test/paxos/truncation.test.ts';
const stories = 'packages/core/test/paxos/mutant-stories.test.ts';
const watermark = 'packages/core/test/paxos/watermark.test.ts';

/** Promises and votes. */
const votes = inFile(
  'packages/core/src/paxos/acceptor.ts',
  [unit, durability],
  [
    {
      name: 'promise below the promise',
      rule: 'P1',
      find: 'if (order < 0) {',
      replace: 'if (order < -Infinity) {',
    },
    {
      name: 'a repeated 1a is refused',
      rule: 'P1',
      find: 'if (order < 0) {',
      replace: 'if (order <= 0) {',
    },
    {
      name: 'a promise is not written',
      rule: 'P2',
      find: "order > 0 ? [{ kind: 'promise', ballot }] : []",
      replace: '[]',
    },
    {
      name: 'promise not durable before 1b',
      rule: 'P2',
      find: 'out.persist(records, [this.#answer(ballot, fromSlot, this.#options.partBytesMax)]);',
      replace: `out.persist(records);
    const { to, message } = this.#answer(ballot, fromSlot, this.#options.partBytesMax);
    out.send(to, message as never);`,
    },
    {
      name: 'own ballot not durable before 1a',
      rule: 'P2',
      find: "out.persist([{ kind: 'promise', ballot }], then);",
      replace: `out.persist([{ kind: 'promise', ballot }]);
    for (const { to, message } of then) out.send(to, message as never);`,
    },
    {
      name: 'own ballot is not written, and used again after a restart',
      rule: 'P1, P2',
      find: "out.persist([{ kind: 'promise', ballot }], then);",
      replace: 'out.persist([], then);',
    },
    {
      name: 'vote below the promise',
      rule: 'P1',
      find: 'if (compareBallots(ballot, this.#promised) < 0) {',
      replace: 'if (compareBallots(ballot, this.#promised) < -Infinity) {',
    },
    {
      name: 'no vote in the very ballot that was promised',
      rule: 'P1',
      find: 'if (compareBallots(ballot, this.#promised) < 0) {',
      replace: 'if (compareBallots(ballot, this.#promised) <= 0) {',
    },
    {
      name: 'a vote does not raise the promise',
      rule: 'P1',
      find: `const vote: Vote = { ballot, value };
    this.#promised = ballot;`,
      replace: 'const vote: Vote = { ballot, value };',
    },
    {
      name: 'second value overwrites at equal ballot',
      rule: 'P3',
      find: 'if (voted !== undefined && sameBallot(voted.ballot, ballot)) {',
      replace: `if (voted !== undefined && sameBallot(voted.ballot, ballot) &&
      sameValue(voted.value, value)) {`,
    },
    {
      name: 'a second value in one ballot is acknowledged',
      rule: 'P3',
      find: 'if (sameValue(voted.value, value)) return this.acknowledge(ballot, base, out);',
      replace: 'return this.acknowledge(ballot, base, out);',
    },
    {
      name: 'a vote is not written',
      rule: 'P2',
      find: "out.persist([{ kind: 'vote', slot, vote }], [this.#acknowledgement(ballot, base)]);",
      replace: 'out.persist([], [this.#acknowledgement(ballot, base)]);',
    },
    {
      name: 'vote not durable before 2b',
      rule: 'P2',
      find: "out.persist([{ kind: 'vote', slot, vote }], [this.#acknowledgement(ballot, base)]);",
      replace: `out.persist([{ kind: 'vote', slot, vote }]);
    const early = this.#acknowledgement(ballot, base);
    out.send(early.to, early.message as never);`,
    },
    {
      name: 'a repeated 2b overtakes earlier writes',
      rule: 'P2',
      find: 'out.persist([], [this.#acknowledgement(ballot, base)]);',
      replace: `const early = this.#acknowledgement(ballot, base);
    out.send(early.to, early.message as never);`,
    },
    {
      name: 'vote over a decided slot',
      rule: 'P1',
      find: 'if (this.#learner.isDecided(slot)) this.#on2aOfDecided(from, message, out);',
      replace: 'if (slot < 0) this.#on2aOfDecided(from, message, out);',
      killers: [unit, deciding],
    },
    {
      name: 'vote over a decided slot that waits for an earlier one',
      rule: 'P1',
      find: 'if (this.#learner.isDecided(slot)) this.#on2aOfDecided(from, message, out);',
      replace: `if (slot <= this.#learner.releasedThrough)
      this.#on2aOfDecided(from, message, out);`,
      killers: [unit, deciding],
    },
    {
      name: 'another value than the decided one is acknowledged',
      rule: 'P1',
      find: 'if (decided !== undefined && !sameValue(decided, value)) {',
      replace: 'if (decided === value && !sameValue(decided, value)) {',
      killers: [unit, deciding],
    },
    {
      name: 'a vote however far ahead',
      rule: 'L6',
      find: 'else if (slot <= this.#slotMax) this.vote(ballot, base, slot, value, out);',
      replace: 'else this.vote(ballot, base, slot, value, out);',
    },
    {
      name: 'votes of another configuration are kept',
      rule: 'R1',
      find: 'const isOurs = ({ configuration: of }: Ballot): boolean => of === configuration;',
      replace: 'const isOurs = ({ configuration: of }: Ballot): boolean => of <= configuration;',
      killers: [stories],
    },
  ],
);

/** What a 2b and a 1b say. */
const told = inFile(
  'packages/core/src/paxos/acceptor.ts',
  [watermark, unit],
  [
    {
      name: 'watermark from the first slot received',
      rule: 'P6',
      find: 'let through = Math.max(base - 1, releasedThrough,',
      replace: `let through = Math.max(base - 1, releasedThrough,
      ([...this.#votes.keys()][0] ?? 1) - 1,`,
    },
    {
      name: 'watermark skips a gap',
      rule: 'P6',
      find: 'while (this.#holds(ballot, through + 1)) through += 1;',
      replace: `for (const [slot, vote] of this.#votes)
      if (sameBallot(vote.ballot, ballot)) through = Math.max(through, slot);`,
    },
    {
      name: 'watermark of an earlier ballot is remembered',
      rule: 'P6',
      find: 'const known = sameBallot(this.#reach.ballot, ballot) && this.#reach.base === base;',
      replace: 'const known = this.#reach.base === base;',
    },
    {
      name: 'watermark counts votes of any ballot',
      rule: 'P5, P6',
      find: 'return vote !== undefined && sameBallot(vote.ballot, ballot);',
      replace: 'return vote !== undefined;',
    },
    {
      name: 'watermark does not count what is decided',
      rule: 'P6',
      find: 'if (this.#learner.isDecided(slot)) return true;',
      replace: '',
      killers: [stories],
    },
    {
      name: '1b without decided slots',
      rule: 'P4',
      find: 'for (const [slot, value] of this.#learner.unreleased) {',
      replace: 'for (const [slot, value] of new Map<Slot, Value>()) {',
      killers: [phaseOne, unit],
    },
    {
      name: '1b without lost votes',
      rule: 'S3',
      find: 'for (const [slot, ballot] of this.#lost) bySlot',
      replace: 'for (const [slot, ballot] of new Map<Slot, Ballot>()) bySlot',
      killers: [phaseOne, unit],
    },
    {
      name: 'an older vote stands in for a lost one in a 1b',
      rule: 'S3',
      find: 'if (lost !== undefined && !sameBallot(higherBallot(ballot, lost), ballot)) continue;',
      replace: '',
      killers: [phaseOne, unit],
    },
    {
      name: '1b does not say what is released',
      rule: 'P4, R7',
      find: 'decidedThrough: this.#learner.releasedThrough,',
      replace: 'decidedThrough: 0,',
      killers: [phaseOne, unit],
    },
    {
      name: 'a 1b does not say that it leaves something out',
      rule: 'P4',
      find: 'nextSlot: known[reported.length]?.slot,',
      replace: 'nextSlot: undefined,',
    },
    {
      name: 'a 1b says that it leaves out one slot less',
      rule: 'P4',
      find: 'nextSlot: known[reported.length]?.slot,',
      replace: 'nextSlot: known[reported.length + 1]?.slot,',
    },
    {
      name: 'a 1b is as large as it is',
      rule: 'bounds',
      find: 'const reported = known.slice(0, countWithin(known, bytesMax));',
      replace: 'const reported = known;',
      killers: [unit, 'packages/core/test/cluster.test.ts'],
    },
    {
      name: '1b does not say what was truncated',
      rule: 'R7',
      find: `firstSlot: this.#firstSlot,
      decidedThrough: this`,
      replace: `firstSlot: 1,
      decidedThrough: this`,
      killers: [truncation, unit],
    },
    {
      name: 'firstSlot goes back',
      rule: 'P11',
      find: 'this.#firstSlot = Math.max(this.#firstSlot, before);',
      replace: 'this.#firstSlot = before;',
      killers: [unit, truncation],
    },
    {
      name: 'an installed snapshot forgets the votes beyond it',
      rule: 'P11',
      find: `this.#firstSlot = Math.max(this.#firstSlot, slot + 1);
    this.forgetReleased();`,
      replace: `this.#firstSlot = Math.max(this.#firstSlot, slot + 1);
    this.#votes.clear();`,
      killers: [truncation, unit],
    },
    {
      name: 'a vote leaves what was lost in its slot',
      rule: 'S3',
      find: `this.#lost.delete(slot);
    out.persist(`,
      replace: 'out.persist(',
      killers: [unit],
    },
  ],
);

export const acceptorMutants: readonly Mutant[] = [...votes, ...told];

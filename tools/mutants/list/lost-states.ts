import { inFile, type Mutant } from '../mutant.ts';

const layer = 'packages/snapshot/src/layer';
const keeper = 'packages/snapshot/src/keeper';
const bad = 'packages/snapshot/test/keeper-bad-media.test.ts';
const whole = 'packages/snapshot/test/all-bad.test.ts';
const start = 'packages/core/src/host/kept-state.test.ts';
const wishes = 'packages/snapshot/test/keeper-wishes.test.ts';

/** In the place of the protocol, while there is no state. */
const silent = inFile(
  `${layer}/stateless.ts`,
  ['packages/snapshot/test/layer/stateless.test.ts'],
  [
    {
      name: 'the protocol begins before the log is executed behind a state that was found',
      rule: 'P4, S6',
      find: 'if (!this.#isInstalled || this.#releasedThrough < decidedThrough) return false;',
      replace: 'if (!this.#isInstalled) return false;',
    },
    {
      name: 'the protocol begins before the state machine has executed its log',
      rule: 'P7',
      find: 'return this.#executedThrough >= this.#releasedThrough;',
      replace: 'return true;',
    },
    {
      name: 'a slot that was read twice is executed twice',
      rule: 'P7',
      find: 'if (!this.#isInstalled || fromSlot !== this.#releasedThrough + 1) return [];',
      replace: 'if (!this.#isInstalled) return [];',
    },
    {
      name: 'the log behind a state that was found is cut too',
      rule: 'P11',
      find: 'const before = slot + 1;',
      replace: 'const before = this.#parts.restored.decidedThrough + 1;',
    },
    {
      name: 'a read of the log that failed is never repeated',
      rule: 'L6',
      find: 'nowMs - this.#readMs < readAgainMs',
      replace: 'this.#readMs > -Infinity',
    },
    {
      name: 'what came while there was no state is forgotten',
      rule: 'R8',
      find: 'return this.#kept.take().flatMap((input) => begun.step(input, nowMs));',
      replace: 'return [];',
    },
  ],
);

const around: readonly Mutant[] = [
  {
    name: 'the protocol begins without a state',
    rule: 'S6',
    file: `${layer}/engine-layer.ts`,
    killers: ['packages/snapshot/test/layer/stateless.test.ts'],
    find: 'const inner = restored.isStateless',
    replace: 'const inner = (restored as unknown) === undefined',
  },
  {
    name: 'without a state reads are answered',
    rule: 'S6',
    file: 'packages/core/src/host/replicated-state.ts',
    killers: [start, whole],
    find: 'return this.#isLoading || this.#execution.isStateless;',
    replace: 'return this.#isLoading;',
  },
  {
    name: 'a log that begins behind the state is gone on with',
    rule: 'S6',
    file: 'packages/core/src/host/recovery.ts',
    killers: ['packages/core/src/host/recovery.test.ts'],
    find: 'if (slot < restored.firstSlot - 1) return { ...restored, isStateless: true };',
    replace: '',
  },
  {
    name: 'without a state what is listed here is loaded unverified',
    rule: 'S6',
    file: `${keeper}/keeper.ts`,
    killers: [bad],
    find: "this.#isStateless ? 'verify' : 'verified'",
    replace: "'verified'",
  },
  {
    name: 'whoever is in no group waits for a state',
    rule: 'S6',
    file: `${keeper}/keeper.ts`,
    killers: [bad],
    find: "found.kind === 'stateless' && host.group === undefined",
    replace: "found.kind === 'stateless' && host.group === ''",
  },
  {
    name: 'an error of the medium is taken for a lost state',
    rule: 'S6',
    file: `${keeper}/loading.ts`,
    killers: [bad],
    find: 'if (why !== undefined && !isCorrupt(why) && !(why instanceof FrameError)) throw why;',
    replace: '',
  },
  {
    name: 'a group that began with a state may begin empty',
    rule: 'S6, S10',
    file: 'packages/core/src/host/recovery.ts',
    killers: ['packages/core/src/host/recovery.test.ts'],
    find: '(seen.membership?.founding?.slot ?? 0) + 1',
    replace: '1',
  },
  {
    name: 'nobody saves what a peer needs and nobody has',
    rule: 'S6, L6',
    file: `${layer}/server.ts`,
    killers: ['packages/snapshot/test/layer/server.test.ts'],
    find: "out.order({ kind: 'wanted', need });",
    replace: '',
  },
  {
    name: 'a snapshot that is gone is offered for ever',
    rule: 'L6',
    file: `${keeper}/keeper.ts`,
    killers: [wishes],
    find: 'else if (isNewest) await kept.lost(meta);',
    replace: '',
  },
  {
    name: 'that nobody gives a snapshot is never said',
    rule: 'L6',
    file: `${layer}/fetcher.ts`,
    killers: ['packages/snapshot/test/layer/far-behind.test.ts'],
    find: "out.order({ kind: 'unserved', need: goal.need });",
    replace: '',
  },
];

/** What a start finds bad, one after the other. */
const early: Mutant = {
  name: 'the log is cut behind a snapshot that the start has not tried yet',
  rule: 'S6',
  file: 'packages/snapshot/src/keeper/keeper.ts',
  killers: ['packages/snapshot/test/keeper-bad-media.test.ts'],
  find: "if (this.#hasLoaded) this.#answer({ kind: 'snapshots', snapshots });",
  replace: "this.#answer({ kind: 'snapshots', snapshots });",
};

/** A snapshot is later than the log. */
const hole: Mutant = {
  name: 'a start leaves unproved votes below its snapshot in the log',
  rule: 'P11',
  file: 'packages/core/src/host/open-engine.ts',
  killers: ['packages/snapshot/test/hole.test.ts'],
  find: 'if (executedThrough > restored.decidedThrough) log.truncate(executedThrough + 1);',
  replace: '',
};

/** All snapshots are bad, and the log was cut. */
export const lostStateMutants: readonly Mutant[] = [...silent, ...around, early, hole];

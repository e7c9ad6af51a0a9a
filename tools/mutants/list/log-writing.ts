import { inFile, type Mutant } from '../mutant.ts';

const crash = 'packages/log-file/test/crash.test.ts';
const damage = 'packages/log-file/test/damage.test.ts';
const lost = 'packages/log-file/test/lost-values.test.ts';
const marks = 'packages/log-file/test/marks.test.ts';
const model = 'packages/log-file/test/model.test.ts';
const renewal = 'packages/log-file/test/renewal.test.ts';
const room = 'packages/log-file/test/room.test.ts';
const stories = 'packages/log-file/test/mutant-stories.test.ts';

const sync = inFile(
  'packages/log-file/src/group-sync.ts',
  [stories],
  [
    {
      name: 'append completes before it is durable',
      rule: 'P2',
      find: 'const length = batch.seal();',
      replace: `const length = batch.seal();
    for (const done of batch.dones.splice(0)) queueMicrotask(() => run(done));`,
      killers: [stories],
    },
    {
      name: 'append completes out of order: an empty one overtakes a write',
      rule: 'P2',
      find: 'else if (this.#inFlight !== undefined) this.#inFlight.dones.push(done);',
      replace: '',
      killers: [stories],
    },
    {
      name: 'append completes out of order: the last of a write first',
      rule: 'P2',
      find: 'for (const done of dones) run(done);',
      replace: 'for (const done of dones.toReversed()) run(done);',
    },
    {
      name: 'after a failure later appends succeed',
      rule: 'P2, S4',
      find: 'this.#failure = error;',
      replace: '',
      killers: [stories, marks],
    },
    {
      name: 'no mark when it is quiet',
      rule: 'S1',
      find: 'if (this.#marks.needed && this.#mayMark()) this.#enqueue(groupOf([]), undefined);',
      replace: '',
      killers: [marks],
    },
    {
      name: 'no mark when the log is closed',
      rule: 'S1',
      find: 'while (this.#marks.needed && this.#failure === undefined && this.#mayMark()) {',
      replace: 'while (this.#waitingBytes < 0) {',
      killers: [marks, damage],
    },
  ],
);

const staging = inFile(
  'packages/log-file/src/staging.ts',
  [damage, crash, marks],
  [
    {
      name: 'a mark vouches for its own write',
      rule: 'S1',
      find: 'markOffset: this.start,',
      replace: 'markOffset: this.start + this.used,',
      killers: [crash, damage],
    },
  ],
);

const kept = inFile(
  'packages/log-file/src/kept.ts',
  [stories, model],
  [
    {
      name: 'segment removal drops the promise',
      rule: 'P11',
      find: 'if (this.#promise !== undefined) records',
      replace: 'if (this.#promise !== undefined && records.length < 0) records',
    },
    {
      name: 'segment removal drops the configuration',
      rule: 'P11',
      find: 'if (this.#configuration !== undefined) records.push(this.#configuration);',
      replace: '',
    },
    {
      name: 'segment removal drops what was agreed to',
      rule: 'S10',
      find: 'if (this.#bootstrap !== undefined) records.push(this.#bootstrap);',
      replace: '',
    },
    {
      name: 'segment removal drops decided-through',
      rule: 'P11',
      find: 'if (this.#decidedThrough !== undefined) records.push(this.#decidedThrough);',
      replace: '',
    },
    {
      name: 'a renewed store carries its old promise on',
      rule: 'S2',
      find: 'this.#promise = undefined;',
      replace: '',
      killers: [renewal],
    },
  ],
);

const state = inFile(
  'packages/log-file/src/log-state.ts',
  [stories, model],
  [
    {
      name: 'a forgotten vote leaves no promise',
      rule: 'P1, P11',
      find: 'this.#kept.raisePromise(ballot);',
      replace: '',
      killers: [marks],
    },
    {
      name: 'a segment goes whose last slot is still needed',
      rule: 'P11',
      find: 'segment.maxSlot >= this.firstSlot',
      replace: 'segment.maxSlot > this.firstSlot',
    },
    {
      name: 'votes of a former life count',
      rule: 'S2',
      find: 'return ballot === undefined || slot <= this.formerThrough || !this.isFormer(segment);',
      replace: 'return true;',
      killers: [renewal],
    },
  ],
);

const retirement = inFile(
  'packages/log-file/src/retirement.ts',
  [crash, model],
  [
    {
      name: 'a segment goes before a durable group says so',
      rule: 'P11, S6',
      find: 'return oldest.sequence < this.keepFrom ? oldest : undefined;',
      replace: 'return oldest.sequence < this.#state.keepFrom() ? oldest : undefined;',
    },
    {
      name: 'a segment goes while it is read',
      rule: 'R1',
      find: 'oldest.readers > 0 || ',
      replace: '',
      killers: [model, room],
    },
  ],
);

const values = [
  ...inFile(
    'packages/log-file/src/lost-values.ts',
    [lost],
    [
      {
        name: 'an older vote stands in for a lost one in the log',
        rule: 'S3',
        find: 'return heldVote === undefined || compareBallots(heldVote, lostVote) < 0;',
        replace: 'return heldVote === undefined;',
      },
      {
        name: 'a vote stands in for a lost decision',
        rule: 'P11, S3',
        find: 'if (lostDecided || lostVote === undefined) return true;',
        replace: 'if (lostVote === undefined) return true;',
      },
      {
        name: 'a decision does not stand in for a lost vote',
        rule: 'P11, S3',
        find: 'if (heldDecided) return false;',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/slot-table.ts',
    [stories],
    [
      {
        name: 'a later vote wins over a decided record',
        rule: 'P11',
        find: 'before.ballot === undefined && entry.ballot !== undefined) return;',
        replace: 'before.slot < 0) return;',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/read.ts',
    [lost, damage],
    [
      {
        name: 'a lost value is passed over in a read',
        rule: 'S3',
        find: 'if (this.#state.lost.isDamaged(slot)) {',
        replace: 'if (slot < 0) {',
      },
      {
        name: 'a value is read without its checksum',
        rule: 'P12',
        find: 'if (crc32(value) !== checksum) {',
        replace: 'if (checksum < 0) {',
        killers: [stories],
      },
    ],
  ),
];

const renewing = [
  ...inFile(
    'packages/log-file/src/renewal.ts',
    [renewal],
    [
      {
        name: 'renewed store keeps its id',
        rule: 'S2',
        find: 'const store = drawStoreId(context.random);',
        replace: 'const { store } = state;',
      },
      {
        name: 'verdict not durable',
        rule: 'S2',
        find: `} else
      writer.run(rename, (cause) =>
        cause === undefined ? renewed() :`,
        replace: `} else
      renewed(),
      writer.run(rename, (cause) =>
        cause === undefined ? {} :`,
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/visit.ts',
    [renewal],
    [
      {
        name: 'the promise of a former life counts',
        rule: 'S2',
        find: "record !== undefined && !(record.kind === 'promise' && state.isFormer(segment))",
        replace: 'record !== undefined',
      },
    ],
  ),
];

export const logWritingMutants: readonly Mutant[] = [
  ...sync,
  ...staging,
  ...kept,
  ...state,
  ...retirement,
  ...values,
  ...renewing,
];

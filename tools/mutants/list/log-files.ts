import { inFile, type Mutant } from '../mutant.ts';

const crash = 'packages/log-file/test/crash.test.ts';
const damage = 'packages/log-file/test/damage.test.ts';
const directory = 'packages/log-file/test/directory.test.ts';
const format = 'packages/log-file/test/format.test.ts';
const lost = 'packages/log-file/test/lost-values.test.ts';
const marks = 'packages/log-file/test/marks.test.ts';
const renewal = 'packages/log-file/test/renewal.test.ts';
const record = 'packages/log-file/src/record.test.ts';
const copied = 'packages/log-file/test/copied.test.ts';
const stories = 'packages/log-file/test/mutant-stories.test.ts';

const recover = inFile(
  'packages/log-file/src/recover.ts',
  [damage, crash],
  [
    {
      name: 'torn tail test inverted',
      rule: 'S1',
      find: 'if (synced.through > good.end) {',
      replace: 'if (synced.through <= good.end) {',
    },
    {
      name: 'damage treated as torn tail',
      rule: 'S1',
      find: 'if (synced.through > good.end) {',
      replace: 'if (synced.through < 0) {',
    },
    {
      name: 'torn tail not erased',
      rule: 'S1',
      find: 'for (const _ of zeroSteps(files, fd, segment.end, eraseTo));',
      replace: '',
      killers: [crash],
    },
    {
      name: 'open without sync',
      rule: 'S1',
      find: 'rewrite(segment, fd, good.end, last, files);',
      replace: '',
      killers: [crash],
    },
    {
      name: 'a missing segment in the middle is passed over',
      rule: 'S6',
      find: 'if (gap >= 0) throw',
      replace: 'if (gap > sequences.length) throw',
    },
    {
      name: 'a missing first segment is passed over',
      rule: 'S6',
      find: 'if (sequence > Math.max(last.keepFrom, 1)) throw',
      replace: 'if (sequence < 0) throw',
      killers: [damage, marks],
    },
    {
      name: 'a segment of another store is taken',
      rule: 'S8',
      find: 'if (header.store !== store && !formerly.includes(header.store)) {',
      replace: "if (header.store === '') {",
      killers: [directory],
    },
  ],
);

const reader = inFile(
  'packages/log-file/src/segment-reader.ts',
  [damage, marks],
  [
    {
      name: 'later record taken as proof of damage',
      rule: 'S1',
      find: 'synced = { through: header.markOffset, saidAt: at };',
      replace: 'synced = { through: at, saidAt: at };',
      killers: [crash, damage],
    },
    {
      name: 'a value that fails its checksum is passed on',
      rule: 'S3',
      find: 'if (valueVerifies(memory.bytes, record)) return true;',
      replace: 'if (record.length >= 0) return true;',
    },
    {
      name: 'in the last group a lost value is no torn write',
      rule: 'S1, S3',
      find: 'if (bad.lost === undefined || durable <= end) return over(',
      replace: 'if (bad.lost === undefined) return over(',
      killers: [lost],
    },
  ],
);

const records = inFile(
  'packages/log-file/src/record.ts',
  [record, marks],
  [
    {
      name: 'wrong place accepted: a group does not know its offset',
      rule: 'S1',
      find: 'const sound = header.offset === offset && ',
      replace: 'const sound = ',
    },
    {
      name: 'the checksum of a group is not checked',
      rule: 'S1',
      find: 'if (view.getUint32(at + 4, true) !== checksum) return undefined;',
      replace: '',
    },
    {
      name: 'the checksum of records is not checked',
      rule: 'S1',
      find: '!== header.recordsChecksum) return false;',
      replace: '< 0) return false;',
    },
  ],
);

const identity = inFile(
  'packages/log-file/src/directory.ts',
  [directory],
  [
    {
      name: 'a store of another group is taken',
      rule: 'S8',
      find: 'if (identity.group !== context.group) throw',
      replace: "if (identity.group === '') throw",
    },
    {
      name: 'a store of another replica is taken',
      rule: 'S8',
      find: 'if (identity.replica !== context.self) throw',
      replace: 'if (identity.replica < 0) throw',
    },
    {
      name: 'the checksum of the identity is not checked',
      rule: 'S8',
      find: 'return checksumOf(identity) === checksum ? identity : undefined;',
      replace: 'return identity;',
    },
  ],
);

const create = inFile(
  'packages/log-file/src/create.ts',
  [stories],
  [
    {
      name: 'starts empty where the identity is lost',
      rule: 'S6',
      find: 'if (sequence !== 1 || !isEmptySegment(file)) {',
      replace: 'if (sequence < 0) {',
    },
    {
      name: 'prepares a whole segment in one turn of the thread',
      rule: 'L1',
      find: 'for (const _ of taskSteps(files, prepare)) await nextTurn();',
      replace: 'runTask(files, prepare);',
    },
  ],
);

const files = inFile(
  'packages/log-file/src/files.ts',
  [crash],
  [
    {
      name: 'rename without directory sync',
      rule: 'S1',
      find: `files.rename(task.spare, task.file);
      files.syncDirectory(path.dirname(task.file));`,
      replace: 'files.rename(task.spare, task.file);',
    },
    {
      name: 'a new name is not durable',
      rule: 'S2',
      find: `files.rename(task.from, task.to);
      files.syncDirectory(path.dirname(task.to));`,
      replace: 'files.rename(task.from, task.to);',
      killers: [renewal],
    },
    {
      name: 'a segment has its name before its header',
      rule: 'S1',
      find: `const fd = files.open(task.spare, 'existing');
      try {`,
      replace: `files.rename(task.spare, task.file);
      files.syncDirectory(path.dirname(task.file));
      files.rename(task.file, task.spare);
      const fd = files.open(task.spare, 'existing');
      try {`,
    },
  ],
);

const others = [
  ...inFile(
    'packages/log-file/src/segment-header.ts',
    [format],
    [
      {
        name: 'wrong place accepted: a group does not know its segment',
        rule: 'S1',
        find: `view.setUint32(12, sequence, true);
  return`,
        replace: 'return',
      },
      {
        name: 'wrong place accepted: a group does not know its file’s salt',
        rule: 'S1',
        find: 'view.setUint32(8, salt, true);',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/directory-lock/src/index.ts',
    [stories],
    [
      {
        name: 'the lock is ignored',
        rule: 'S7',
        find: 'if (highest > 0) await refuseIfAlive(',
        replace: 'if (highest < 0) await refuseIfAlive(',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/origin.ts',
    [copied],
    [
      {
        name: 'an old copy goes unseen',
        rule: 'S2a',
        find: 'if (differ(recorded.inode, now.inode) || differ(recorded.birthNs, now.birthNs))',
        replace: 'if (differ(recorded.birthNs, recorded.birthNs))',
      },
      {
        name: 'an inode that was used again is taken for the same file',
        rule: 'S2a',
        find: ' || differ(recorded.birthNs, now.birthNs)) return',
        replace: ') return',
      },
    ],
  ),
];

export const logFileMutants: readonly Mutant[] = [
  ...recover,
  ...reader,
  ...records,
  ...identity,
  ...create,
  ...files,
  ...others,
];

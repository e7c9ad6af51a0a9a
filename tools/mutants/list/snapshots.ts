import { inFile, type Mutant } from '../mutant.ts';

const state = 'packages/core/src/host/replicated-state.test.ts';
const start = 'packages/core/src/host/kept-state.test.ts';
const kit = 'packages/snapshot/test/conformance.test.ts';
const governs = 'packages/snapshot/src/keeper/governing.test.ts';
const crash = 'packages/snapshot/test/crash.test.ts';
const keeperPace = 'packages/snapshot/test/keeper-pace.test.ts';
const keeperCrash = 'packages/snapshot/test/keeper-crash.test.ts';
const orders = 'packages/snapshot/test/keeper-orders.test.ts';
const stories = 'packages/snapshot/test/keeper-stories.test.ts';
const bad = 'packages/snapshot/test/keeper-bad-media.test.ts';
const policy = 'packages/snapshot/src/keeper/save-policy.test.ts';
const telling = 'packages/snapshot/src/telling.test.ts';

const image = inFile(
  'packages/core/src/host/image.ts',
  [state],
  [
    {
      name: 'the header of an image is believed unchecked',
      rule: 'S6',
      find: 'if (crc32(header) !== checksum) {',
      replace: 'if (checksum < 0) {',
    },
  ],
);

const execution = inFile(
  'packages/core/src/host/execution.ts',
  [state],
  [
    {
      name: 'session table missing from the snapshot',
      rule: 'P9',
      find: 'this.sessions.become(sessions);',
      replace: '',
    },
    {
      name: 'group time missing from the snapshot',
      rule: 'P10',
      find: 'this.executedThrough = slot;\n    this.timeMs = timeMs;',
      replace: 'this.executedThrough = slot;',
    },
    {
      name: 'what was sent before a snapshot was installed is sent again',
      rule: 'P9',
      find: 'this.#proposals.passOver();',
      replace: '',
    },
  ],
);

const sessions = inFile(
  'packages/core/src/sessions/sessions.ts',
  [state],
  [
    {
      name: 'the order in which results are forgotten is missing from the snapshot',
      rule: 'P9',
      find: 'for (const session of restored.holding()) this.#holding.set(session.id, session);',
      replace: '',
    },
  ],
);

const replicated = inFile(
  'packages/core/src/host/replicated-state.ts',
  [state],
  [
    {
      name: 'a snapshot of another slot is loaded',
      rule: 'P9',
      find: 'if (found !== slot) throw',
      replace: 'if (found < 0) throw',
    },
    {
      name: 'a snapshot takes the state back',
      rule: 'P7',
      find: 'if (slot <= execution.executedThrough) {',
      replace: 'if (slot < 0) {',
    },
    {
      name: 'a newer state of its own is replaced by an older snapshot',
      rule: 'P7',
      find: 'if (!this.#execution.reflects(slot)) await',
      replace: 'await',
      killers: [start],
    },
    {
      name: 'a state machine that is ahead is saved as if it were not',
      rule: 'P9',
      find: 'return !this.isLoading && !this.#execution.isAhead;',
      replace: 'return !this.isLoading;',
      killers: [start],
    },
  ],
);

const saved = inFile(
  'packages/core/src/host/saved-image.ts',
  [state],
  [
    {
      name: 'a frozen view that nobody walks is never given back',
      rule: 'P9',
      find: 'const isMore = hasBegun || (await this.#chunks.next()).done !== true;',
      replace: 'const isMore = hasBegun;',
    },
  ],
);

const recovery = inFile(
  'packages/core/src/host/recovery.ts',
  [start],
  [
    {
      name: 'empty on all bad',
      rule: 'S6',
      find: 'if (executedThrough >= firstSlot - 1) return;',
      replace: 'if (executedThrough >= 0) return;',
    },
    {
      name: 'a state that nobody will give is waited for',
      rule: 'S6',
      find: "if (begun !== 'stateless') throw",
      replace: "if (begun === 'stateless') throw",
    },
    {
      name: 'what was executed in an earlier life is live again behind a state that was found',
      rule: 'P7',
      find: 'execution.await(decidedThrough);',
      replace: 'execution.await(0);',
    },
  ],
);

const loading = inFile(
  'packages/snapshot/src/keeper/loading.ts',
  [bad],
  [
    {
      name: 'a snapshot of another group is loaded',
      rule: 'S10',
      find: 'if (other === undefined) return metas;',
      replace: 'if (other !== null) return metas;',
    },
    {
      name: 'a snapshot is loaded unverified at a start',
      rule: 'S6',
      find: "if (how === 'verify') await reader.verify();",
      replace: '',
    },
    {
      name: 'a keeper begins empty on all bad',
      rule: 'S6',
      find: 'if (firstSlot > 1) return',
      replace: 'if (firstSlot < 0) return',
    },
  ],
);

const keeper = inFile(
  'packages/snapshot/src/keeper/keeper.ts',
  [orders],
  [
    {
      name: 'half an install',
      rule: 'R8',
      find: "if (codeOf(error) === 'RSL_LOAD_FAILED') return host.fail(error);",
      replace: '',
    },
    {
      name: 'what could not be installed is offered again',
      rule: 'S6',
      find: "if (codeOf(error) !== 'RSL_STORAGE_FAILED') await kept.condemn(meta, error);",
      replace: '',
    },
    {
      name: 'a medium that cannot be read for a while costs the last snapshot',
      rule: 'S6',
      find: "if (codeOf(error) !== 'RSL_STORAGE_FAILED') await",
      replace: 'await',
    },
    {
      name: 'a save goes on while another state is installed',
      rule: 'R8',
      find: 'await saver.hold();\n    try {',
      replace: 'try {',
    },
  ],
);

const governing = inFile(
  'packages/snapshot/src/keeper/governing.ts',
  [governs],
  [
    {
      name: 'snapshot with the wrong membership',
      rule: 'R8',
      find: "if (kindOf(value) === 'stop') this.#membership = undefined;",
      replace: '',
      killers: [governs, orders],
    },
    {
      name: 'snapshot with the newest membership that was heard of',
      rule: 'R8',
      find: 'if (from > this.#slot + 1) return;',
      replace: '',
    },
  ],
);

const readers = inFile(
  'packages/snapshot/src/keeper/readers.ts',
  [orders],
  [
    {
      name: 'what a peer copies is not pinned',
      rule: 'R8',
      find: 'this.#open.set(digest, reader);',
      replace: '',
    },
  ],
);

const kept = inFile(
  'packages/snapshot/src/keeper/kept.ts',
  [stories, bad],
  [
    {
      name: 'one snapshot fewer is kept',
      rule: 'S6',
      find: 'const oldest = this.metas[this.#keep - 1];',
      replace: 'const oldest = this.metas[this.#keep - 2];',
    },
  ],
);

const saver = inFile(
  'packages/snapshot/src/keeper/saver.ts',
  [stories, bad],
  [
    {
      name: 'a full disk is written to again at once',
      rule: 'S5',
      find: 'this.#retryAtMs = clock.nowMs() + saveAgainMs;',
      replace: 'this.#retryAtMs = clock.nowMs() + 1;',
    },
    {
      name: 'a save that failed is not tried again',
      rule: 'S5',
      find: 'policy.missing();',
      replace: '',
    },
    {
      name: 'a save does not wait for its pace',
      rule: 'L3',
      find: 'pace.took(bytes, clock.nowMs());',
      replace: '',
      killers: [keeperPace],
    },
    {
      name: 'a save that is given up waits for its pace',
      rule: 'L3',
      find: 'const waitMs = Math.min(Math.ceil(pace.waitMs(clock.nowMs())), restMsMax);',
      replace: 'const waitMs = Math.ceil(pace.waitMs(clock.nowMs()));',
      killers: [keeperPace],
    },
  ],
);

const saves = inFile(
  'packages/snapshot/src/keeper/save-policy.ts',
  [policy],
  [
    {
      name: 'members save at the same time',
      rule: 'L3',
      find: 'this.#offset = Math.floor((this.#every * place) / members);',
      replace: 'this.#offset = 0;',
    },
  ],
);

const tells = inFile(
  'packages/snapshot/src/telling.ts',
  [telling],
  [
    {
      name: 'what governs behind a stop is not said',
      rule: 'R8',
      find: "this.#membership = kindOf(value) === 'stop' ? undefined : membership;",
      replace: 'this.#membership = membership;',
    },
  ],
);

const file = inFile(
  'packages/snapshot/src/snapshot-file.ts',
  [bad, kit, stories],
  [
    {
      name: 'chunk checksum unchecked',
      rule: 'S6',
      find: 'return bytes.readUInt32LE(4) === chunkChecksum(number, content) ? content',
      replace: 'return bytes.readUInt32LE(4) >= 0 ? content',
    },
  ],
);

const writer = inFile(
  'packages/snapshot/src/snapshot-writer.ts',
  [crash, keeperCrash],
  [
    {
      name: 'a snapshot is renamed without directory sync',
      rule: 'S6',
      find: 'await files.syncDirectory(directory);',
      replace: '',
    },
    {
      name: 'a snapshot is renamed before it is durable',
      rule: 'S6',
      find: 'await this.#opened.sync();\n      await this.#close();',
      replace: 'await this.#close();',
    },
    {
      name: 'truncate before the snapshot is durable',
      rule: 'R8',
      find: 'await onMedium(name, async () => {\n      await this.#opened.write([end]',
      replace: 'void onMedium(name, async () => {\n      await this.#opened.write([end]',
    },
    {
      name: 'a copy is taken for what it was to be',
      rule: 'S6',
      find: '(wanted.bytes !== bytes || wanted.digest !== digest)) {',
      replace: 'wanted.bytes < 0) {',
      killers: [kit],
    },
  ],
);

const fileStore = inFile(
  'packages/snapshot/src/file-snapshot-store.ts',
  [crash],
  [
    {
      name: 'a condemned snapshot is set aside without directory sync',
      rule: 'S6',
      find: '(file, aside);\n      await this.#files.syncDirectory(this.#directory);',
      replace: '(file, aside);',
    },
  ],
);

export const snapshotMutants: readonly Mutant[] = [
  ...image,
  ...execution,
  ...sessions,
  ...replicated,
  ...saved,
  ...recovery,
  ...loading,
  ...keeper,
  ...governing,
  ...readers,
  ...kept,
  ...saver,
  ...saves,
  ...tells,
  ...file,
  ...writer,
  ...fileStore,
];

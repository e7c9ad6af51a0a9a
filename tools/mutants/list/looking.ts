import { inFile, type Mutant } from '../mutant.ts';

const asOpening = 'packages/log-file/test/inspect/as-opening.test.ts';
const inspect = 'packages/log-file/test/inspect/inspect.test.ts';
const inUse = 'packages/log-file/test/inspect/in-use.test.ts';
const snapshots = 'packages/snapshot/test/inspect/inspect.test.ts';

/** Looking into what is stored: nothing is missed, and nothing is called damage that is none. */
export const lookingMutants: readonly Mutant[] = [
  ...inFile(
    'packages/log-file/src/inspect/walk.ts',
    [inspect],
    [
      {
        name: 'looking calls a group damaged that is being written',
        rule: 'S1',
        find: 'if (doubted !== good.end && !this.#damages.isFull) {',
        replace: 'if (doubted < 0) {',
        killers: [inUse],
      },
      {
        name: 'looking calls a value lost that is being written',
        rule: 'S3',
        find: 'if (lost.size === 0 || this.#damages.isFull) return this.#visit(',
        replace: 'if (lost.size >= 0) return this.#visit(',
        killers: [inUse],
      },
      {
        name: 'looking calls a torn tail damage',
        rule: 'S1',
        find: 'if (synced.through <= good.end) return undefined;',
        replace: 'if (synced.through < 0) return undefined;',
        killers: [asOpening],
      },
      {
        name: 'looking takes damage for a torn tail',
        rule: 'S1',
        find: 'if (synced.through <= good.end) return undefined;',
        replace: 'if (synced.through >= 0) return undefined;',
      },
      {
        name: 'looking ends at the first damage',
        rule: 'S6',
        find: 'if (!(await this.#goOn(reader, good))) return',
        replace: 'if (this.at >= 0) return',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/inspect/read-segments.ts',
    [inspect],
    [
      {
        name: 'looking forgets what came before a lost value',
        rule: 'S3',
        find: 'if (lost.size === 0) return read;',
        replace: 'if (lost.size >= 0) return read;',
      },
      {
        name: 'looking calls a segment damaged that has left',
        rule: 'S6',
        find: 'if (left) this.#damages.backTo(before);',
        replace: '',
        killers: [inUse],
      },
      {
        name: 'looking passes over a missing first segment',
        rule: 'S6',
        find: 'if (oldest.sequence <= Math.max(this.#taking.keepFrom, 1)) return;',
        replace: 'if (oldest.sequence > 0) return;',
      },
    ],
  ),
  ...inFile(
    'packages/log-file/src/inspect/findings.ts',
    [inspect],
    [
      {
        name: 'looking counts promises of a former life',
        rule: 'S2',
        find: 'this.#kept.forgetPromise();',
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/snapshot/src/inspect/verify.ts',
    [snapshots],
    [
      {
        name: 'looking ends at the first damaged chunk',
        rule: 'S6',
        find: 'isWhole = false;',
        replace: 'return false;',
      },
    ],
  ),
];

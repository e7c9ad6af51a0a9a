import type { Mutant } from '../mutant.ts';

const keeper = 'packages/snapshot/src/keeper';
const layer = 'packages/snapshot/src/layer/snapshot-layer.ts';
const wishes = 'packages/snapshot/test/keeper-wishes.test.ts';
const around = 'packages/snapshot/test/layer/snapshot-layer.test.ts';

/** What is counted and bounded beside the state machine. */
export const snapshotBoundMutants: readonly Mutant[] = [
  {
    name: 'any number of callers waits for a snapshot',
    rule: 'S5',
    file: `${keeper}/saver.ts`,
    killers: [wishes],
    find: 'if (this.#callers >= saveCallersMax) return Promise.reject(tooManyCallers());',
    replace: '',
  },
  {
    name: 'callers that were answered count for ever',
    rule: 'S5',
    file: `${keeper}/saver.ts`,
    killers: [wishes],
    find: 'this.#callers -= 1;',
    replace: '',
  },
  {
    name: 'what a start executes again is not told',
    rule: 'S5',
    file: `${keeper}/keeper.ts`,
    killers: [wishes],
    find: 'this.#countReplayed(slot, value.bytes.length);',
    replace: '',
  },
  {
    name: 'what is executed for the first time is told as executed again',
    rule: 'S5',
    file: `${keeper}/keeper.ts`,
    killers: [wishes],
    find: 'this.#replayed = undefined;',
    replace: '',
  },
  {
    name: 'what a start executes again does not count',
    rule: 'S5',
    file: layer,
    killers: [around],
    find: 'if (slot > this.#bytes.lastSlot) this.#bytes.add(slot, bytes);',
    replace: '',
  },
];

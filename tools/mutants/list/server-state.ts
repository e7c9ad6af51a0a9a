import { inFile, type Mutant } from '../mutant.ts';

const state = 'apps/server/src/state';
const views = 'apps/server/test/frozen-views.test.ts';
const maps = 'packages/snapshot/src/snapshot-map.test.ts';

const keyspace = inFile(
  `${state}/keyspace.ts`,
  [views],
  [
    {
      name: 'an entry that a view has is changed in place',
      rule: 'P9',
      find: 'if (entry.born >= this.#frozen) return entry;',
      replace: 'if (entry.born >= 0) return entry;',
    },
    {
      name: 'a value is put into an entry that a view has',
      rule: 'P9',
      find: 'found.born >= this.#frozen\n          ? found',
      replace: 'found.born >= 0\n          ? found',
    },
    {
      name: 'an entry is copied, and its expiry stays with the old one',
      rule: 'P7',
      find: 'this.expiries.replace(entry, by);',
      replace: '',
    },
    {
      name: 'a large hash or set is changed while a view has it',
      rule: 'P9',
      find: 'for (const view of this.#views) view.keep(entry);',
      replace: '',
    },
  ],
);

const view = inFile(
  `${state}/keyspace-view.ts`,
  [views],
  [
    {
      name: 'a large hash or set is changed while it is being saved',
      rule: 'P9',
      find: 'if (frozen === undefined) this.#frozen.set(entry, (frozen = value.freeze()));',
      replace: 'if (frozen === undefined) frozen = value.freeze();',
    },
  ],
);

const table = inFile(
  `${state}/entry-table.ts`,
  [views],
  [
    {
      name: 'a shard of the table is changed while a view has it',
      rule: 'P9',
      find: 'const own = shard?.slice() ?? [];',
      replace: 'const own = shard ?? [];',
    },
  ],
);

const lists = inFile(
  `${state}/list.ts`,
  ['apps/server/src/state/list.test.ts'],
  [
    {
      name: 'a copy of a list shares an end with it',
      rule: 'P9',
      find: 'copy.#back = this.#back.copy();',
      replace: 'copy.#back = this.#back;',
    },
  ],
);

const large = inFile(
  `${state}/save.ts`,
  [views],
  [
    {
      name: 'a large hash is saved as a small one',
      rule: 'P7',
      find: 'return value instanceof LargeHash ? savedKinds.largeHash',
      replace: 'return value instanceof LargeHash ? savedKinds.hash',
    },
  ],
);

const snapshotMap = inFile(
  'packages/snapshot/src/snapshot-map.ts',
  [maps],
  [
    {
      name: 'a shard is split under a view that has it',
      rule: 'P9',
      find: 'const stay = this.#views.size > 0 ? new Map(from) : from;',
      replace: 'const stay = from;',
    },
    {
      name: 'entries of one shard are walked as they were inserted',
      rule: 'P7',
      find: '  steps.sort();',
      replace: '',
    },
    {
      name: 'shards are walked as they were split',
      rule: 'P7',
      find: 'const at = level === 1 ? 0 : reversed(i) >>> shift;',
      replace: 'const at = i;',
    },
    {
      name: 'keys with one hash are walked as they were inserted',
      rule: 'P7',
      find: '    if (to - from > 1) {',
      replace: '    if (to - from > ordered.length) {',
    },
  ],
);

/** What the server saves is the state of one slot, and the same bytes on every replica. */
export const serverStateMutants: readonly Mutant[] = [
  ...keyspace,
  ...view,
  ...table,
  ...lists,
  ...large,
  ...snapshotMap,
];

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Entry } from './entry.ts';
import { KeyIndex } from './key-index.ts';

test('it is a map, also of keys for which the first one has no room', () => {
  const step = fc.tuple(
    fc.constantFrom('add', 'add', 'replace', 'delete', 'clear'),
    fc.integer({ min: 0, max: 15 }),
  );
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 200 }), (steps) => {
      const index = new KeyIndex(4);
      const map = new Map<string, Entry>();
      for (const [name, n] of steps) {
        const entry = new Entry(`key-${n}`, '', 0);
        const isThere = map.has(entry.key);
        if (name === 'clear' && n === 0) {
          index.clear();
          map.clear();
        } else if ((name === 'add' && !isThere) || (name === 'replace' && isThere)) {
          index[name](entry);
          map.set(entry.key, entry);
        } else if (name === 'delete' && isThere) {
          index.delete(entry.key);
          map.delete(entry.key);
        }
        for (let k = 0; k < 16; k++) expect(index.get(`key-${k}`)).toBe(map.get(`key-${k}`));
      }
    }),
    { seed: 6, numRuns: 200 },
  );
});

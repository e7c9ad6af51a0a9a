import fc from 'fast-check';
import { expect, test } from 'vitest';
import { List } from './list.ts';

test('it is an array, and a copy stays what it was', () => {
  const step = fc.tuple(
    fc.constantFrom('push', 'unshift', 'pop', 'shift', 'copy'),
    fc.constantFrom(1, 100, 700, 2_000),
  );
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 40 }), (steps) => {
      let list = new List();
      const array: string[] = [];
      const copies: [List, readonly string[]][] = [];
      let next = 0;
      for (const [name, count] of steps) {
        if (name === 'copy') {
          copies.push([list, [...array]]);
          list = list.copy();
          continue;
        }
        for (let i = 0; i < count; i++) {
          if (name === 'push' || name === 'unshift') {
            list[name](String(next));
            array[name](String(next++));
          } else if (array.length > 0) expect(list[name]()).toBe(array[name]());
        }
        expect(list.length).toBe(array.length);
      }
      copies.push([list, array]);
      for (const [copied, expected] of copies) {
        expect([...copied].join()).toBe(expected.join());
      }
    }),
    { seed: 5, numRuns: 60 },
  );
});

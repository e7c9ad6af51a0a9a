import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deque } from './deque.ts';

test('it is an array, only quicker at the front', () => {
  const step = fc.constantFrom('push', 'unshift', 'pop', 'shift');
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
      const deque = new Deque<string>();
      const array: string[] = [];
      for (const [i, name] of steps.entries()) {
        if (name === 'push' || name === 'unshift') {
          deque[name](String(i));
          array[name](String(i));
        } else if (array.length > 0) expect(deque[name]()).toBe(array[name]());
      }
      expect(Array.from({ length: deque.length }, (_, i) => deque.at(i))).toEqual(array);
    }),
    { seed: 3, numRuns: 300 },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Entry } from './entry.ts';
import { ExpiryHeap } from './expiry-heap.ts';

test('the first is always the earliest, whatever was placed, moved and removed', () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 200 }), (steps) => {
      const heap = new ExpiryHeap();
      const entries = Array.from({ length: 16 }, (_, i) => new Entry(`key-${i}`, '', 0));
      for (const [i, timeMs] of steps) {
        heap.place(entries[i] as Entry, timeMs);
        const expiring = entries.filter(({ expireAtMs }) => expireAtMs > 0);
        const order = (a: Entry, b: Entry): number =>
          a.expireAtMs - b.expireAtMs || (a.key < b.key ? -1 : 1);
        expect(heap.first).toBe(expiring.sort(order)[0]);
        expect(heap.size).toBe(expiring.length);
      }
    }),
    { seed: 4, numRuns: 300 },
  );
});

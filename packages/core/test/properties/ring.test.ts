import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RingReader, ringMemory, RingWriter } from '../../src/engine/ring.ts';
import { patienceMs, runs } from './runs.ts';

type Action =
  | { readonly kind: 'write'; readonly lengths: readonly number[] }
  | { readonly kind: 'read' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'sleep' };

const length = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 1_500 }), fc.nat({ max: 9_000 }));
const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        lengths: fc.array(length, { maxLength: 3 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('sleep' as const) }) },
  ),
  { maxLength: 200, size: 'max' },
);

/** Where counting begins: also just before 2^31 and 2^32, where the words go around. */
const beginnings = fc.constantFrom(0, 2 ** 31 - 4_096, 2 ** 32 - 4_096);

test(
  'a ring is a queue: an array that forgets nothing and wakes who sleeps',
  () => {
    fc.assert(
      fc.property(actions, beginnings, (all, beginning) => {
        const memory = ringMemory(4_096);
        new Int32Array(memory).fill(beginning, 0, 2);
        let wakes = 0;
        const writer = new RingWriter(memory, () => void (wakes += 1));
        const reader = new RingReader(memory);
        const model: { kind: number; bytes: Uint8Array }[] = [];
        let number = 0;
        let wakesExpected = 0;
        let sleeps = false;
        const read = (): boolean =>
          reader.read((kind, bytes) => {
            const expected = model.shift();
            if (kind !== expected?.kind || Buffer.compare(bytes, expected.bytes) !== 0)
              throw new Error(`a record of kind ${kind} is not the next one`);
          });
        for (const action of all) {
          if (action.kind === 'read') {
            // What is not yet whole is not there yet.
            if (!read() && model.length > 0) writer.flush();
            sleeps = false;
          } else if (action.kind === 'flush') writer.flush();
          else if (action.kind === 'sleep') {
            wakesExpected = wakes + 1;
            sleeps = reader.sleep();
          } else {
            number += 1;
            const parts = action.lengths.map((bytes, i) => new Uint8Array(bytes).fill(number + i));
            const kind = 1 + (number % 255);
            if (writer.offer(kind, parts))
              model.push({ kind, bytes: new Uint8Array(Buffer.concat(parts)) });
            if (sleeps && writer.used > 0 && wakes !== wakesExpected)
              throw new Error(`woken ${wakes} times, not ${wakesExpected}`);
          }
          if (writer.used > writer.capacity) throw new Error('more than there is room for');
        }
        for (let turns = 0; model.length > 0 && turns < 1_000; turns += 1) {
          writer.flush();
          read();
        }
        expect(model).toEqual([]);
        expect(writer.flush()).toBe(true);
      }),
      runs(31, 300),
    );
  },
  patienceMs,
);

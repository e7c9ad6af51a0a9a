import { expect, test } from 'vitest';
import { defaultClientTimings } from './client-options.ts';
import { Rests } from './rests.ts';

test('of any number of addresses it remembers those that were left last', () => {
  const rests = new Rests(defaultClientTimings);
  for (let i = 0; i < 1_000; i += 1) rests.leave(`address ${i}`, 0, 0);
  const resting = (i: number): boolean => !rests.isOver(`address ${i}`, 1);
  expect([resting(999), resting(936), resting(935), resting(0)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

import { expect, test } from 'vitest';
import { Room } from './room.ts';

test('commands end before values do, and both come back with some room to spare (S5)', () => {
  const room = new Room(100);
  const seen = [200, 100, 99, 60, 50, 49, 62, 63, 100, 124, 125].map((free) => {
    const changed = room.look(free);
    return [free, changed, room.isLow, room.isSpent];
  });
  expect(seen).toEqual([
    [200, false, false, false],
    [100, false, false, false],
    [99, true, true, false],
    [60, false, true, false],
    [50, false, true, false],
    [49, false, true, true],
    [62, false, true, true],
    [63, false, true, false],
    [100, false, true, false],
    [124, false, true, false],
    [125, true, false, false],
  ]);
});

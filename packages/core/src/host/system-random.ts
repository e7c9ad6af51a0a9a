import { randomInt } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** Unpredictable, from the operating system. */
export const systemRandom: Random = {
  below: (limit) => (limit <= 1 ? 0 : randomInt(Math.min(limit, 2 ** 48 - 1))),
};

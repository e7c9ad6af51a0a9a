import type { SeededRandom } from '@rsl/core/testing';
import type { RedisCommand, RedisInput } from './redis-model.ts';

/** What a key is for; its commands, some more often than others. */
const families: Readonly<Record<string, readonly RedisCommand[]>> = {
  register: ['SET', 'SET', 'SET', 'GET', 'GET', 'GET', 'GETSET', 'SETNX', 'DEL'],
  written: ['SET', 'GET'],
  counter: ['INCR', 'INCR', 'INCR', 'GET'],
  text: ['APPEND', 'APPEND', 'GET', 'STRLEN'],
  list: ['LPUSH', 'RPUSH', 'LRANGE', 'LLEN'],
  queue: ['LPUSH', 'RPUSH', 'RPUSH', 'LPOP', 'LRANGE', 'LLEN'],
};
const familyNames = Object.keys(families);

export const familyOf = (key: string): string => key.slice(0, key.indexOf(':'));
export const isListKey = (key: string): boolean => /^(list|queue):/.test(key);

/**
 * After so many operations a hot key cools: its history must stay short enough to be judged. With
 * a list, of which each unknown push may or may not be there, that takes the most work.
 */
const operationsPerHotKeyMax = 250;
const operationsPerHotListMax = 100;
const coldKeys = 2_000;
const coldPercent = 15;

/** What all clients do, drawn from a seed: each value is unique, and its length too, mostly. */
export class Workload {
  readonly #random: SeededRandom;
  readonly #hot = new Map<string, { generation: number; operations: number }>();
  #drawn = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  next(client: string): RedisInput {
    const family = this.#random.pick(familyNames);
    const command = this.#random.pick(families[family] ?? []);
    const key = this.#random.chance(coldPercent)
      ? `${family}:cold-${this.#random.below(coldKeys)}`
      : this.#hotKey(family);
    this.#drawn += 1;
    if (!takesValue.has(command)) return { command, key };
    // Lengths differ, so that a length alone tells which appends have happened.
    const padding = 'x'.repeat(this.#random.below(24));
    return { command, key, value: `<${client}.${this.#drawn}${padding}>` };
  }

  #hotKey(family: string): string {
    const hot = this.#hot.get(family) ?? { generation: 0, operations: 0 };
    this.#hot.set(family, hot);
    hot.operations += 1;
    const max = isListKey(`${family}:`) ? operationsPerHotListMax : operationsPerHotKeyMax;
    if (hot.operations > max) {
      hot.generation += 1;
      hot.operations = 0;
    }
    return `${family}:hot-${hot.generation}`;
  }
}

const takesValue: ReadonlySet<RedisCommand> = new Set([
  'SET',
  'SETNX',
  'GETSET',
  'APPEND',
  'LPUSH',
  'RPUSH',
]);

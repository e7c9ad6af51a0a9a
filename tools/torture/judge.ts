import { checkLinearizability, explainViolation } from '@rsl/core/testing';
import type { RedisOperation } from './history.ts';
import { redisModel } from './redis-model.ts';
import { familyOf } from './workload.ts';

export type FailureKind = 'safety' | 'liveness' | 'contract';

/** A run that showed what must not be; the kind says how bad it is. */
export class TortureFailed extends Error {
  override readonly name = 'TortureFailed';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Every key's history, the last reads through each replica included, must be linearizable: nothing
 * acknowledged is missing, nothing happened twice, no read was stale.
 */
export function judgeHistory(operations: readonly RedisOperation[]): { keys: number } {
  const byKey = operationsByKey(operations);
  const undecided: string[] = [];
  for (const [key, ofKey] of byKey) {
    assertNothingMissing(key, ofKey);
    const found = checkLinearizability(redisModel, ofKey, { objectOf: () => key });
    if (found.verdict === 'violation') throw new TortureFailed('safety', explainViolation(found));
    if (found.verdict === 'unknown') undecided.push(key);
  }
  if (undecided.length > 0) {
    const which = undecided.join(', ');
    throw new TortureFailed('contract', `too much work to judge the history of ${which}`);
  }
  return { keys: byKey.size };
}

function operationsByKey(
  operations: readonly RedisOperation[],
): ReadonlyMap<string, RedisOperation[]> {
  const byKey = new Map<string, RedisOperation[]>();
  for (const operation of operations) {
    const { key } = operation.input;
    const others = byKey.get(key);
    if (others === undefined) byKey.set(key, [operation]);
    else others.push(operation);
  }
  return byKey;
}

/**
 * Not by the checker, so that a mistake in one does not hide in both: in a text or a list that only
 * grows, each acknowledged value is there once in the end, and each other at most once.
 */
function assertNothingMissing(key: string, operations: readonly RedisOperation[]): void {
  const family = familyOf(key);
  if (family !== 'text' && family !== 'list') return;
  const last = operations.findLast(
    ({ input, output }) =>
      output !== undefined && (input.command === 'GET' || input.command === 'LRANGE'),
  );
  if (last === undefined) return;
  const found = partsOf(last.output);
  for (const { input, output, endMs = 0 } of operations) {
    if (input.value === undefined || endMs >= last.startMs) continue;
    const times = found.get(input.value) ?? 0;
    const isAcknowledged = output !== undefined;
    if (times > 1 || (isAcknowledged && times === 0)) {
      const what = isAcknowledged ? 'was acknowledged' : 'was tried once';
      const why = `${input.command} ${key} ${input.value} ${what}, and is there ${times} times`;
      throw new TortureFailed('safety', why);
    }
  }
}

/** How often each value is there. */
function partsOf(output: RedisOperation['output']): ReadonlyMap<string, number> {
  const values = Array.isArray(output) ? output : (String(output ?? '').match(/<[^>]*>/g) ?? []);
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

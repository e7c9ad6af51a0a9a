import type { Keyspace } from '../state/keyspace.ts';
import { invalidExpiry } from '../state/replies.ts';
import { stateLimits } from '../state/state-limits.ts';
import { Refusal } from './command.ts';
import { integerOf } from './values.ts';

/** Group time so many units from now, which SET wants to be later than now. */
export function expireAtMs(
  keyspace: Keyspace,
  text: string,
  unitMs: number,
  command: string,
): number {
  const value = integerOf(text);
  if (value <= 0) throw new Refusal(invalidExpiry(command));
  return timeIn(keyspace, Number(value) * unitMs, command);
}

/** Group time in so many milliseconds, or before now if they are negative. */
export function timeIn(keyspace: Keyspace, durationMs: number, command: string): number {
  const timeMs = keyspace.timeMs + durationMs;
  if (Math.abs(timeMs) > stateLimits.expireAtMsMax) throw new Refusal(invalidExpiry(command));
  return timeMs;
}

import type { ReplicaStatus } from '../../api.ts';
import type { Limits } from '../../limits.ts';
import { check } from './check-failed.ts';

/** What a replica holds at one moment. */
export interface Load {
  readonly status: ReplicaStatus;
  readonly limits: Limits;
  /** Bytes of values that its disk has been given and has not written. */
  readonly unwrittenBytes: number;
  /** The most bytes queued for any one peer. */
  readonly queuedBytesMax: number;
}

/** Nothing grows beyond its limit, whatever the world does. */
export function checkBounds({ status, limits, unwrittenBytes, queuedBytesMax }: Load): void {
  const bounds: readonly (readonly [string, number, number])[] = [
    ['pendingCommandsMax', status.pendingCommands, limits.pendingCommandsMax],
    ['pendingBytesMax', status.pendingBytes, limits.pendingBytesMax],
    ['sendQueueBytesMax, both lanes', queuedBytesMax, 2 * limits.sendQueueBytesMax],
    // What one turn takes in before it looks again may come on top.
    ['logQueueBytesMax', unwrittenBytes, limits.logQueueBytesMax + 2 * limits.frameBytesMax],
  ];
  for (const [name, held, max] of bounds) {
    check(held <= max, () => `replica ${status.self} holds ${held}, beyond ${name} = ${max}`);
  }
}

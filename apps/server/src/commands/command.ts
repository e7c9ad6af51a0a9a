import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import type { Keyspace } from '../state/keyspace.ts';

/** First and last argument that is a key (−1 is the last one of all), and the step; 0 0 0: none. */
export type KeyPositions = readonly [first: number, last: number, step: number];

export interface CommandSpec {
  /** In small letters. */
  readonly name: string;
  /** Arguments, the name included; negative: at least so many. */
  readonly arity: number;
  readonly keys: KeyPositions;
  /** As COMMAND INFO says them. */
  readonly flags: readonly string[];
  readonly group: string;
  readonly summary: string;
}

/**
 * A command on the state. `write`: goes through the log. `timed`: changes nothing, but its reply
 * depends on what time it is, so it goes through the log to get a stamp. `read`: is answered from
 * this replica's state. `pure`: needs no state at all, but may stand in a transaction.
 */
export interface StateCommand extends CommandSpec {
  readonly kind: 'write' | 'timed' | 'read' | 'pure';
  /** What the log calls it, 1 … 255: given once and for ever, never used again for another. */
  readonly id: number;
  /**
   * Gives one reply, or throws a Refusal before it has replied or changed anything. Deterministic:
   * it sees the keyspace and its arguments (without its name) and nothing else.
   */
  execute(keyspace: Keyspace, args: Args, reply: Reply): void;
}

/** Whether a command may have so many arguments, its name included. */
export function hasArity({ arity }: CommandSpec, count: number): boolean {
  return arity < 0 ? count >= -arity : count === arity;
}

/** A command that is answered with an error and has done nothing; the message is the reply. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

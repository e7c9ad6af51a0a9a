import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import { add, type Integer, negated } from '../state/integers.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { wouldOverflow } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';
import { integerOf, roomForKeys, stringOf } from './values.ts';

const write = {
  kind: 'write',
  keys: [1, 1, 1],
  flags: ['write', 'denyoom', 'fast'],
  group: 'string',
} as const;

export const numberCommands: readonly StateCommand[] = [
  {
    ...write,
    name: 'incr',
    id: 20,
    arity: 2,
    summary: 'Increments the integer value of a key by one; 0 if the key does not exist.',
    execute: (keyspace, args, reply) => increase(keyspace, args, 1, reply),
  },
  {
    ...write,
    name: 'incrby',
    id: 21,
    arity: 3,
    summary: 'Increments the integer value of a key by a number.',
    execute: (keyspace, args, reply) => increase(keyspace, args, integerOf(args.text(1)), reply),
  },
  {
    ...write,
    name: 'decr',
    id: 22,
    arity: 2,
    summary: 'Decrements the integer value of a key by one; 0 if the key does not exist.',
    execute: (keyspace, args, reply) => increase(keyspace, args, -1, reply),
  },
  {
    ...write,
    name: 'decrby',
    id: 23,
    arity: 3,
    summary: 'Decrements the integer value of a key by a number.',
    execute(keyspace, args, reply) {
      const by = negated(integerOf(args.text(1)));
      if (by === undefined) throw new Refusal('ERR decrement would overflow');
      increase(keyspace, args, by, reply);
    },
  },
];

function increase(keyspace: Keyspace, args: Args, by: Integer, reply: Reply): void {
  const key = args.text(0);
  const before = stringOf(keyspace.find(key));
  const after = add(before === undefined ? 0 : integerOf(before), by);
  if (after === undefined) throw new Refusal(wouldOverflow);
  if (before === undefined) roomForKeys(keyspace, 1);
  const digits = String(after);
  keyspace.put(key, digits);
  reply.digits(digits);
}

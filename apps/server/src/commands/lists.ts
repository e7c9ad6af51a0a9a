import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import { parseInteger } from '../state/integers.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { List } from '../state/list.ts';
import { notPositive, wrongArity } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';
import { integerOf, listOf, roomForItems, roomForKeys } from './values.ts';

type End = 'left' | 'right';

const list = { keys: [1, 1, 1], group: 'list' } as const;
const pushes = { ...list, kind: 'write', flags: ['write', 'denyoom', 'fast'], arity: -3 } as const;
const pops = { ...list, kind: 'write', flags: ['write', 'fast'], arity: -2 } as const;

export const listCommands: readonly StateCommand[] = [
  {
    ...pushes,
    name: 'lpush',
    id: 50,
    summary: 'Prepends one or more items to a list; creates the key if it does not exist.',
    execute: (keyspace, args, reply) => push(keyspace, args, 'left', reply),
  },
  {
    ...pushes,
    name: 'rpush',
    id: 51,
    summary: 'Appends one or more items to a list; creates the key if it does not exist.',
    execute: (keyspace, args, reply) => push(keyspace, args, 'right', reply),
  },
  {
    ...pops,
    name: 'lpop',
    id: 52,
    summary: 'Removes and returns the first items of a list.',
    execute: (keyspace, args, reply) => pop(keyspace, args, 'left', reply),
  },
  {
    ...pops,
    name: 'rpop',
    id: 53,
    summary: 'Removes and returns the last items of a list.',
    execute: (keyspace, args, reply) => pop(keyspace, args, 'right', reply),
  },
  {
    ...list,
    name: 'llen',
    id: 54,
    kind: 'read',
    arity: 2,
    flags: ['readonly', 'fast'],
    summary: 'Returns the length of a list.',
    execute: (keyspace, args, reply) =>
      reply.integer(listOf(keyspace.find(args.text(0)))?.length ?? 0),
  },
  {
    ...list,
    name: 'lrange',
    id: 55,
    kind: 'read',
    arity: 4,
    flags: ['readonly'],
    summary: 'Returns a range of items of a list.',
    execute: range,
  },
];

function push(keyspace: Keyspace, args: Args, end: End, reply: Reply): void {
  const found = keyspace.find(args.text(0));
  roomForItems((listOf(found)?.length ?? 0) + args.count - 1);
  if (found === undefined) roomForKeys(keyspace, 1);
  const entry = found === undefined ? keyspace.put(args.text(0), new List()) : keyspace.own(found);
  const items = entry.value as List;
  if (found !== undefined) keyspace.changed(entry);
  for (let i = 1; i < args.count; i++) {
    if (end === 'left') items.unshift(args.text(i));
    else items.push(args.text(i));
  }
  reply.integer(items.length);
}

function pop(keyspace: Keyspace, args: Args, end: End, reply: Reply): void {
  if (args.count > 2) throw new Refusal(wrongArity(end === 'left' ? 'lpop' : 'rpop'));
  const counted = args.count === 2;
  const count = counted ? parseInteger(args.text(1)) : 1;
  if (count === undefined || count < 0) throw new Refusal(notPositive);
  const found = keyspace.find(args.text(0));
  if (found === undefined || listOf(found) === undefined) {
    return counted ? reply.nullArray() : reply.null();
  }
  const entry = keyspace.own(found);
  const items = entry.value as List;
  const popped = Math.min(Number(count), items.length);
  if (counted) reply.array(popped);
  for (let i = 0; i < popped; i++) reply.bulk(end === 'left' ? items.shift() : items.pop());
  if (items.length === 0) keyspace.remove(entry);
  else if (popped > 0) keyspace.changed(entry);
}

function range(keyspace: Keyspace, args: Args, reply: Reply): void {
  const [from, to] = [Number(integerOf(args.text(1))), Number(integerOf(args.text(2)))];
  const items = listOf(keyspace.find(args.text(0)));
  const length = items?.length ?? 0;
  const first = Math.max(0, from < 0 ? length + from : from);
  const last = Math.min(length - 1, to < 0 ? length + to : to);
  if (items === undefined || first > last) return reply.array(0);
  reply.array(last - first + 1);
  for (let i = first; i <= last; i++) reply.bulk(items.at(i));
}

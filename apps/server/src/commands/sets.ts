import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import type { Members } from '../state/entry.ts';
import type { Keyspace } from '../state/keyspace.ts';
import type { StateCommand } from './command.ts';
import { grownSet, membersOf, roomForItems, roomForKeys } from './values.ts';

const set = { keys: [1, 1, 1], group: 'set' } as const;
const read = { ...set, kind: 'read' } as const;

export const setCommands: readonly StateCommand[] = [
  {
    ...set,
    name: 'sadd',
    id: 70,
    kind: 'write',
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    summary: 'Adds one or more members to a set; returns how many are new.',
    execute: addMembers,
  },
  {
    ...set,
    name: 'srem',
    id: 71,
    kind: 'write',
    arity: -3,
    flags: ['write', 'fast'],
    summary: 'Removes one or more members from a set, and the key with the last one.',
    execute: removeMembers,
  },
  {
    ...read,
    name: 'smembers',
    id: 72,
    arity: 2,
    flags: ['readonly'],
    summary: 'Returns all members of a set.',
    execute(keyspace, args, reply) {
      const members = membersOf(keyspace.find(args.text(0)));
      reply.set(members?.size ?? 0);
      for (const member of members ?? []) reply.bulk(member);
    },
  },
  {
    ...read,
    name: 'scard',
    id: 73,
    arity: 2,
    flags: ['readonly', 'fast'],
    summary: 'Returns the number of members of a set.',
    execute: (keyspace, args, reply) =>
      reply.integer(membersOf(keyspace.find(args.text(0)))?.size ?? 0),
  },
  {
    ...read,
    name: 'sismember',
    id: 74,
    arity: 3,
    flags: ['readonly', 'fast'],
    summary: 'Says whether a member belongs to a set: 1 or 0.',
    execute: (keyspace, args, reply) =>
      reply.integer(membersOf(keyspace.find(args.text(0)))?.has(args.text(1)) === true ? 1 : 0),
  },
];

function addMembers(keyspace: Keyspace, args: Args, reply: Reply): void {
  const found = keyspace.find(args.text(0));
  const before = membersOf(found)?.size ?? 0;
  roomForItems(before + args.count - 1);
  if (found === undefined) roomForKeys(keyspace, 1);
  const entry = found === undefined ? keyspace.put(args.text(0), new Set()) : keyspace.own(found);
  const members = entry.value as Members;
  for (let i = 1; i < args.count; i++) members.add(args.text(i));
  entry.value = grownSet(members);
  if (found !== undefined && members.size > before) keyspace.changed(entry);
  reply.integer(members.size - before);
}

function removeMembers(keyspace: Keyspace, args: Args, reply: Reply): void {
  const found = keyspace.find(args.text(0));
  if (found === undefined || membersOf(found) === undefined) return reply.integer(0);
  const entry = keyspace.own(found);
  const members = entry.value as Members;
  const before = members.size;
  for (let i = 1; i < args.count; i++) members.delete(args.text(i));
  if (members.size === 0) keyspace.remove(entry);
  else if (members.size < before) keyspace.changed(entry);
  reply.integer(before - members.size);
}

import type { Args } from '../args.ts';
import type { Reply } from '../resp/reply.ts';
import type { Hash } from '../state/entry.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { wrongArity } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';
import { grownHash, hashOf, roomForItems, roomForKeys } from './values.ts';

const hash = { keys: [1, 1, 1], group: 'hash' } as const;
const read = { ...hash, kind: 'read' } as const;

export const hashCommands: readonly StateCommand[] = [
  {
    ...hash,
    name: 'hset',
    id: 60,
    kind: 'write',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    summary: 'Sets one or more fields of a hash; returns how many are new.',
    execute: setFields,
  },
  {
    ...read,
    name: 'hget',
    id: 61,
    arity: 3,
    flags: ['readonly', 'fast'],
    summary: 'Returns the value of a field of a hash.',
    execute(keyspace, args, reply) {
      const value = hashOf(keyspace.find(args.text(0)))?.get(args.text(1));
      if (value === undefined) reply.null();
      else reply.bulk(value);
    },
  },
  {
    ...hash,
    name: 'hdel',
    id: 62,
    kind: 'write',
    arity: -3,
    flags: ['write', 'fast'],
    summary: 'Deletes one or more fields of a hash, and the key with the last one.',
    execute: deleteFields,
  },
  {
    ...read,
    name: 'hgetall',
    id: 63,
    arity: 2,
    flags: ['readonly'],
    summary: 'Returns all fields and values of a hash.',
    execute(keyspace, args, reply) {
      const fields = hashOf(keyspace.find(args.text(0)));
      reply.map(fields?.size ?? 0);
      for (const [field, value] of fields ?? []) {
        reply.bulk(field);
        reply.bulk(value);
      }
    },
  },
  {
    ...read,
    name: 'hlen',
    id: 64,
    arity: 2,
    flags: ['readonly', 'fast'],
    summary: 'Returns the number of fields of a hash.',
    execute: (keyspace, args, reply) =>
      reply.integer(hashOf(keyspace.find(args.text(0)))?.size ?? 0),
  },
];

function setFields(keyspace: Keyspace, args: Args, reply: Reply): void {
  if (args.count % 2 !== 1) throw new Refusal(wrongArity('hset'));
  const found = keyspace.find(args.text(0));
  const before = hashOf(found)?.size ?? 0;
  roomForItems(before + (args.count - 1) / 2);
  if (found === undefined) roomForKeys(keyspace, 1);
  const entry = found === undefined ? keyspace.put(args.text(0), new Map()) : keyspace.own(found);
  const fields = entry.value as Hash;
  for (let i = 1; i < args.count; i += 2) fields.set(args.text(i), args.text(i + 1));
  entry.value = grownHash(fields);
  if (found !== undefined) keyspace.changed(entry);
  reply.integer(fields.size - before);
}

function deleteFields(keyspace: Keyspace, args: Args, reply: Reply): void {
  const found = keyspace.find(args.text(0));
  if (found === undefined || hashOf(found) === undefined) return reply.integer(0);
  const entry = keyspace.own(found);
  const fields = entry.value as Hash;
  const before = fields.size;
  for (let i = 1; i < args.count; i++) fields.delete(args.text(i));
  if (fields.size === 0) keyspace.remove(entry);
  else if (fields.size < before) keyspace.changed(entry);
  reply.integer(before - fields.size);
}

import { syntaxError } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';

export const keyCommands: readonly StateCommand[] = [
  {
    name: 'del',
    id: 30,
    kind: 'write',
    arity: -2,
    keys: [1, -1, 1],
    flags: ['write'],
    group: 'generic',
    summary: 'Deletes one or more keys.',
    execute(keyspace, args, reply) {
      let deleted = 0;
      for (let i = 0; i < args.count; i++) {
        const entry = keyspace.find(args.text(i));
        if (entry === undefined) continue;
        keyspace.remove(entry);
        deleted++;
      }
      reply.integer(deleted);
    },
  },
  {
    name: 'exists',
    id: 31,
    kind: 'read',
    arity: -2,
    keys: [1, -1, 1],
    flags: ['readonly', 'fast'],
    group: 'generic',
    summary: 'Counts how many of the keys exist; one named twice counts twice.',
    execute(keyspace, args, reply) {
      let found = 0;
      for (let i = 0; i < args.count; i++) {
        if (keyspace.find(args.text(i)) !== undefined) found++;
      }
      reply.integer(found);
    },
  },
  {
    name: 'dbsize',
    id: 32,
    kind: 'read',
    arity: 1,
    keys: [0, 0, 0],
    flags: ['readonly', 'fast'],
    group: 'server',
    summary: 'Returns the number of keys.',
    execute: (keyspace, _, reply) => reply.integer(keyspace.size),
  },
  {
    name: 'flushall',
    id: 33,
    kind: 'write',
    arity: -1,
    keys: [0, 0, 0],
    flags: ['write'],
    group: 'server',
    summary: 'Removes all keys.',
    execute(keyspace, args, reply) {
      const known = args.count === 0 || args.is(0, 'ASYNC') || args.is(0, 'SYNC');
      if (args.count > 1 || !known) throw new Refusal(syntaxError);
      keyspace.clear();
      reply.simple('OK');
    },
  },
];

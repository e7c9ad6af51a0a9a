import { stateLimits } from '../state/state-limits.ts';
import { tooLong, wrongArity } from '../state/replies.ts';
import { Refusal, type StateCommand } from './command.ts';
import { setCommand } from './set-command.ts';
import { roomForKeys, stringOf } from './values.ts';

/** An appended text is put together once its pieces cost as much memory as its characters. */
const pieceBytes = 32;

export const stringCommands: readonly StateCommand[] = [
  {
    name: 'get',
    id: 10,
    kind: 'read',
    arity: 2,
    keys: [1, 1, 1],
    flags: ['readonly', 'fast'],
    group: 'string',
    summary: 'Returns the string value of a key.',
    execute(keyspace, args, reply) {
      const value = stringOf(keyspace.find(args.text(0)));
      if (value === undefined) reply.null();
      else reply.bulk(value);
    },
  },
  setCommand,
  {
    name: 'setnx',
    id: 12,
    kind: 'write',
    arity: 3,
    keys: [1, 1, 1],
    flags: ['write', 'denyoom', 'fast'],
    group: 'string',
    summary: 'Sets the string value of a key only if the key does not exist.',
    execute(keyspace, args, reply) {
      const key = args.text(0);
      if (keyspace.find(key) !== undefined) return reply.integer(0);
      roomForKeys(keyspace, 1);
      keyspace.put(key, args.text(1));
      reply.integer(1);
    },
  },
  {
    name: 'getset',
    id: 13,
    kind: 'write',
    arity: 3,
    keys: [1, 1, 1],
    flags: ['write', 'denyoom', 'fast'],
    group: 'string',
    summary: 'Returns the previous string value of a key after setting it to a new value.',
    execute(keyspace, args, reply) {
      const key = args.text(0);
      const before = stringOf(keyspace.find(key));
      if (before === undefined) roomForKeys(keyspace, 1);
      keyspace.expiries.place(keyspace.put(key, args.text(1)), 0);
      if (before === undefined) reply.null();
      else reply.bulk(before);
    },
  },
  {
    name: 'append',
    id: 14,
    kind: 'write',
    arity: 3,
    keys: [1, 1, 1],
    flags: ['write', 'denyoom', 'fast'],
    group: 'string',
    summary: 'Appends a string to the value of a key; creates the key if it does not exist.',
    execute(keyspace, args, reply) {
      const key = args.text(0);
      const found = keyspace.find(key);
      const before = stringOf(found);
      const length = (before?.length ?? 0) + args.length(1);
      if (length > stateLimits.stringBytesMax) throw new Refusal(tooLong);
      if (found === undefined || before === undefined) {
        roomForKeys(keyspace, 1);
        keyspace.put(key, args.text(1));
      } else {
        const entry = keyspace.own(found);
        entry.value = before + args.text(1);
        entry.pieces++;
        if (entry.pieces * pieceBytes > length) {
          entry.value = Buffer.from(entry.value, 'latin1').toString('latin1');
          entry.pieces = 0;
        }
        keyspace.changed(entry);
      }
      reply.integer(length);
    },
  },
  {
    name: 'strlen',
    id: 15,
    kind: 'read',
    arity: 2,
    keys: [1, 1, 1],
    flags: ['readonly', 'fast'],
    group: 'string',
    summary: 'Returns the length of a string value.',
    execute(keyspace, args, reply) {
      reply.integer(stringOf(keyspace.find(args.text(0)))?.length ?? 0);
    },
  },
  {
    name: 'mget',
    id: 16,
    kind: 'read',
    arity: -2,
    keys: [1, -1, 1],
    flags: ['readonly', 'fast'],
    group: 'string',
    summary: 'Returns the string values of one or more keys.',
    execute(keyspace, args, reply) {
      reply.array(args.count);
      for (let i = 0; i < args.count; i++) {
        const value = keyspace.find(args.text(i))?.value;
        if (typeof value === 'string') reply.bulk(value);
        else reply.null();
      }
    },
  },
  {
    name: 'mset',
    id: 17,
    kind: 'write',
    arity: -3,
    keys: [1, -1, 2],
    flags: ['write', 'denyoom'],
    group: 'string',
    summary: 'Sets the string values of one or more keys.',
    execute(keyspace, args, reply) {
      if (args.count % 2 !== 0) throw new Refusal(wrongArity('mset'));
      roomForKeys(keyspace, args.count / 2);
      for (let i = 0; i < args.count; i += 2) {
        keyspace.expiries.place(keyspace.put(args.text(i), args.text(i + 1)), 0);
      }
      reply.simple('OK');
    },
  },
];

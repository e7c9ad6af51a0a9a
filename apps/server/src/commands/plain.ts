import { notAnInteger, wrongArity } from '../state/replies.ts';
import { parseInteger } from '../state/integers.ts';
import { Refusal, type StateCommand } from './command.ts';

const pure = { kind: 'pure', keys: [0, 0, 0], flags: ['fast'], group: 'connection' } as const;

/** They need no state; they are among the others because they may stand in a transaction. */
export const plainCommands: readonly StateCommand[] = [
  {
    ...pure,
    name: 'ping',
    id: 2,
    arity: -1,
    summary: 'Says PONG, or what it is given.',
    execute(_, args, reply) {
      if (args.count > 1) throw new Refusal(wrongArity('ping'));
      if (args.count === 0) reply.simple('PONG');
      else reply.bulk(args.text(0));
    },
  },
  {
    ...pure,
    name: 'echo',
    id: 3,
    arity: 2,
    summary: 'Says what it is given.',
    execute: (_, args, reply) => reply.bulk(args.text(0)),
  },
  {
    ...pure,
    name: 'unwatch',
    id: 5,
    arity: 1,
    group: 'transactions',
    summary: 'Forgets what is watched; EXEC does so anyway.',
    execute: (_, _args, reply) => reply.simple('OK'),
  },
  {
    ...pure,
    name: 'select',
    id: 4,
    arity: 2,
    summary: 'Chooses database 0; there is no other.',
    execute(_, args, reply) {
      const database = parseInteger(args.text(0));
      if (database === undefined) throw new Refusal(notAnInteger);
      if (database !== 0) throw new Refusal('ERR DB index is out of range');
      reply.simple('OK');
    },
  },
];

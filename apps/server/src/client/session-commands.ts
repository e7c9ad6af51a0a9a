import type { Args } from '../args.ts';
import { Refusal } from '../commands/command.ts';
import type { Reply } from '../resp/reply.ts';
import type { ReplyWriter } from '../resp/reply-writer.ts';
import { parseInteger } from '../state/integers.ts';
import { syntaxError } from '../state/replies.ts';
import { serverVersion } from '../version.ts';
import { setName } from './client-command.ts';
import type { ClientContext, ConnectionCommand, SlotCommand } from './connection-command.ts';

const plain = { kind: 'connection', keys: [0, 0, 0], group: 'connection' } as const;

export const sessionCommands: readonly ConnectionCommand[] = [
  {
    ...plain,
    name: 'hello',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    summary: 'Chooses the version of the protocol, and says who the server is.',
    run: hello,
  },
  {
    ...plain,
    name: 'quit',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    summary: 'Closes the connection.',
    run(context, _, reply) {
      reply.simple('OK');
      context.closeSoon();
    },
  },
  {
    ...plain,
    name: 'readonly',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'cluster',
    summary: 'Answers reads of this connection with what this replica has, which may be old.',
    run(context, _, reply) {
      context.readLevel = 'local';
      reply.simple('OK');
    },
  },
  {
    ...plain,
    name: 'readwrite',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'cluster',
    summary: 'Makes reads of this connection linearizable again, as they are at first.',
    run(context, _, reply) {
      context.readLevel = 'linearizable';
      reply.simple('OK');
    },
  },
];

/** What a client carries to another connection: see CLIENT RSL-READ AT-LEAST. */
export const slotCommand: SlotCommand = {
  kind: 'slot',
  name: 'rsl.slot',
  arity: 1,
  keys: [0, 0, 0],
  flags: ['loading', 'stale', 'fast'],
  group: 'connection',
  summary:
    'A slot that reflects everything this connection was told, for CLIENT RSL-READ AT-LEAST.',
};

function hello(context: ClientContext, args: Args, reply: ReplyWriter): void {
  let version: number = context.version;
  if (args.count > 0) {
    const wanted = parseInteger(args.text(0));
    if (wanted === undefined) {
      throw new Refusal('ERR Protocol version is not an integer or out of range');
    }
    if (wanted !== 2 && wanted !== 3) throw new Refusal('NOPROTO unsupported protocol version');
    version = wanted;
  }
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, 'AUTH') && i + 2 < args.count) throw new Refusal(noPassword);
    if (!args.is(i, 'SETNAME') || i + 1 >= args.count) {
      throw new Refusal(`${syntaxError} in HELLO option '${args.text(i)}'`);
    }
    setName(context, args.text(++i));
  }
  context.version = reply.version = version === 3 ? 3 : 2;
  introduce(context, reply);
}

const noPassword =
  'WRONGPASS this server has no passwords: connect without one, over a network that you trust';

function introduce(context: ClientContext, reply: Reply): void {
  reply.map(7);
  reply.bulk('server');
  reply.bulk('redis');
  reply.bulk('version');
  reply.bulk(serverVersion.redis);
  reply.bulk('proto');
  reply.integer(context.version);
  reply.bulk('id');
  reply.integer(context.id);
  reply.bulk('mode');
  reply.bulk('standalone');
  reply.bulk('role');
  // Every replica takes every command: to a client each is a master.
  reply.bulk('master');
  reply.bulk('modules');
  reply.array(0);
}

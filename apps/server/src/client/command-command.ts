import type { Args } from '../args.ts';
import { type CommandSpec, Refusal } from '../commands/command.ts';
import type { Reply } from '../resp/reply.ts';
import type { ConnectionCommand } from './connection-command.ts';

/** COMMAND: what clients learn the commands from. */
export const commandCommand: ConnectionCommand = {
  kind: 'connection',
  name: 'command',
  arity: -1,
  keys: [0, 0, 0],
  flags: ['loading', 'stale'],
  group: 'server',
  summary: 'Describes the commands: COUNT, LIST, INFO, DOCS, GETKEYS.',
  run({ server }, args, reply) {
    const { commands } = server;
    if (args.count === 0) return describeAll(commands, reply);
    if (args.is(0, 'COUNT')) reply.integer(commands.length);
    else if (args.is(0, 'LIST')) list(commands, reply);
    else if (args.is(0, 'INFO')) describeSome(commands, args, reply);
    else if (args.is(0, 'DOCS')) document(commands, args, reply);
    else if (args.is(0, 'GETKEYS')) listKeys(commands, args, reply);
    else throw new Refusal(`ERR unknown subcommand '${args.text(0)}'. Try COMMAND HELP.`);
  },
};

function list(commands: readonly CommandSpec[], reply: Reply): void {
  reply.array(commands.length);
  for (const { name } of commands) reply.bulk(name);
}

function describeAll(commands: readonly CommandSpec[], reply: Reply): void {
  reply.array(commands.length);
  for (const command of commands) describe(command, reply);
}

function describeSome(commands: readonly CommandSpec[], args: Args, reply: Reply): void {
  if (args.count === 1) return describeAll(commands, reply);
  reply.array(args.count - 1);
  for (let i = 1; i < args.count; i++) {
    const command = find(commands, args.text(i));
    if (command === undefined) reply.nullArray();
    else describe(command, reply);
  }
}

/** Name, arity, flags, first key, last key, step, categories, tips, key specs, subcommands. */
function describe(command: CommandSpec, reply: Reply): void {
  reply.array(10);
  reply.bulk(command.name);
  reply.integer(command.arity);
  reply.set(command.flags.length);
  for (const flag of command.flags) reply.simple(flag);
  for (const position of command.keys) reply.integer(position);
  reply.set(1);
  reply.simple(`@${command.group}`);
  for (let i = 0; i < 3; i++) reply.array(0);
}

function document(commands: readonly CommandSpec[], args: Args, reply: Reply): void {
  const asked = args.count === 1 ? undefined : args.texts(1).map((name) => name.toLowerCase());
  const documented = commands.filter(({ name }) => asked?.includes(name) ?? true);
  reply.map(documented.length);
  for (const { name, summary, group } of documented) {
    reply.bulk(name);
    reply.map(2);
    reply.bulk('summary');
    reply.bulk(summary);
    reply.bulk('group');
    reply.bulk(group);
  }
}

function listKeys(commands: readonly CommandSpec[], args: Args, reply: Reply): void {
  const command = args.count > 1 ? find(commands, args.text(1)) : undefined;
  if (command === undefined) throw new Refusal('ERR Invalid command specified');
  const [first, last, step] = command.keys;
  const count = args.count - 1;
  const isShort = command.arity > 0 ? count !== command.arity : count < -command.arity;
  if (isShort) throw new Refusal('ERR Invalid number of arguments specified for command');
  if (first === 0) throw new Refusal('ERR The command has no key arguments');
  const keys: string[] = [];
  const end = last < 0 ? count + last : last;
  for (let i = first; i <= end; i += step) keys.push(args.text(i + 1));
  reply.array(keys.length);
  for (const key of keys) reply.bulk(key);
}

const find = (commands: readonly CommandSpec[], name: string): CommandSpec | undefined =>
  commands.find((command) => command.name === name.toLowerCase());

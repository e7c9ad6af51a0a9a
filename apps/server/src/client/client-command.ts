import type { Args } from '../args.ts';
import { Refusal } from '../commands/command.ts';
import type { Reply } from '../resp/reply.ts';
import { parseInteger } from '../state/integers.ts';
import { notAnInteger, syntaxError, wrongArity } from '../state/replies.ts';
import type { ClientContext, ConnectionCommand } from './connection-command.ts';

const textBytesMax = 256;

type Subcommand = (context: ClientContext, args: Args, reply: Reply) => void;

/** By name, with how many arguments follow it; the last is what may follow besides. */
const subcommands: Readonly<
  Record<string, readonly [args: number, run: Subcommand, more?: number]>
> = {
  ID: [0, ({ id }, _, reply) => reply.integer(id)],
  SETNAME: [1, setNameOf],
  GETNAME: [0, ({ name }, _, reply) => (name === '' ? reply.null() : reply.bulk(name))],
  SETINFO: [2, setInfo],
  INFO: [0, (context, _, reply) => reply.verbatim(describe(context))],
  LIST: [0, list],
  'NO-EVICT': [1, onOrOff],
  'NO-TOUCH': [1, onOrOff],
  'RSL-READ': [1, readAt, 1],
  HELP: [0, help],
};

export const clientCommand: ConnectionCommand = {
  kind: 'connection',
  name: 'client',
  arity: -2,
  keys: [0, 0, 0],
  flags: ['noscript', 'loading', 'stale'],
  group: 'connection',
  summary: `What concerns this connection: ${Object.keys(subcommands).join(', ')}.`,
  run(context, args, reply) {
    const name = args.text(0).toUpperCase();
    const [count, run, more = 0] = subcommands[name] ?? [];
    if (count === undefined || run === undefined) {
      throw new Refusal(`ERR unknown subcommand '${args.text(0)}'. Try CLIENT HELP.`);
    }
    const given = args.count - 1;
    if (given < count || given > count + more)
      throw new Refusal(wrongArity(`client|${name.toLowerCase()}`));
    run(context, args, reply);
  },
};

export function setName(context: ClientContext, name: string): void {
  context.name = checked(name, 'Client names');
}

function setNameOf(context: ClientContext, args: Args, reply: Reply): void {
  setName(context, args.text(1));
  reply.simple('OK');
}

function setInfo(context: ClientContext, args: Args, reply: Reply): void {
  const value = checked(args.text(2), args.text(1).toLowerCase());
  if (args.is(1, 'LIB-NAME')) context.libraryName = value;
  else if (args.is(1, 'LIB-VER')) context.libraryVersion = value;
  else throw new Refusal(`ERR Unrecognized option '${args.text(1)}'`);
  reply.simple('OK');
}

function checked(text: string, what: string): string {
  if (!/^[!-~]*$/.test(text)) {
    throw new Refusal(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  if (text.length > textBytesMax) {
    throw new Refusal(`ERR ${what} cannot have more than ${textBytesMax} characters.`);
  }
  return text;
}

function list({ server }: ClientContext, _: Args, reply: Reply): void {
  let text = '';
  for (const client of server.clients) text += describe(client);
  reply.verbatim(text);
}

function describe(client: ClientContext): string {
  const ageSeconds = Math.floor((Date.now() - client.connectedAtMs) / 1_000);
  const fields = {
    id: client.id,
    addr: client.address,
    name: client.name,
    age: ageSeconds,
    flags: client.readLevel === 'linearizable' ? 'N' : 'r',
    db: 0,
    resp: client.version,
    'lib-name': client.libraryName,
    'lib-ver': client.libraryVersion,
  };
  return `${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}\n`;
}

/** LINEARIZABLE, LOCAL, or AT-LEAST with the slot that was seen on another connection. */
function readAt(context: ClientContext, args: Args, reply: Reply): void {
  if (args.is(1, 'AT-LEAST')) {
    const slot = args.count > 2 ? parseInteger(args.text(2)) : 0;
    if (slot === undefined || slot < 0 || slot > Number.MAX_SAFE_INTEGER) {
      throw new Refusal(notAnInteger);
    }
    context.readLevel = { atLeast: Number(slot) };
  } else if (args.count > 2) throw new Refusal(syntaxError);
  else if (args.is(1, 'LOCAL')) context.readLevel = 'local';
  else if (args.is(1, 'LINEARIZABLE')) context.readLevel = 'linearizable';
  else throw new Refusal(syntaxError);
  reply.simple('OK');
}

function onOrOff(_: ClientContext, args: Args, reply: Reply): void {
  if (!args.is(1, 'ON') && !args.is(1, 'OFF')) throw new Refusal(syntaxError);
  reply.simple('OK');
}

function help(_: ClientContext, _args: Args, reply: Reply): void {
  const names = Object.keys(subcommands);
  reply.array(names.length);
  for (const name of names) reply.simple(`CLIENT ${name}`);
}

import type { Args } from '../args.ts';
import { Refusal } from '../commands/command.ts';
import type { SnapshotDesk } from '../snapshots/snapshot-desk.ts';
import { parseInteger } from '../state/integers.ts';
import { notAnInteger, syntaxError } from '../state/replies.ts';
import type {
  ConnectionCommand,
  PatientCommand,
  ServerContext,
  Write,
} from './connection-command.ts';

const plain = {
  keys: [0, 0, 0],
  flags: ['admin', 'noscript', 'loading', 'stale'],
  group: 'server',
} as const;

/** Given at a time to who copies a snapshot; a reply has to hold it. */
const readBytesMax = 256 * 1024;

/** As operators of Redis know them. */
export const savingCommands: readonly ConnectionCommand[] = [
  {
    ...plain,
    kind: 'connection',
    name: 'bgsave',
    arity: -1,
    summary: 'Begins to save a snapshot, and does not wait for it.',
    run({ server }, args, reply) {
      const isKnown = args.count === 0 || (args.count === 1 && args.is(0, 'SCHEDULE'));
      if (!isKnown) throw new Refusal(syntaxError);
      // What becomes of it is in the log and in INFO.
      deskOf(server)
        .save()
        .catch(() => undefined);
      reply.simple('Background saving started');
    },
  },
  {
    ...plain,
    kind: 'connection',
    name: 'lastsave',
    arity: 1,
    summary: 'When a snapshot was last saved since the start, in seconds since 1970; or the start.',
    run({ server }, _, reply) {
      reply.integer(Math.floor((deskOf(server).lastSaveMs || server.startedAtMs) / 1_000));
    },
  },
];

/** Those whose answer takes its time; only their own connection waits for it. */
export const snapshotCommands: readonly PatientCommand[] = [
  {
    ...plain,
    kind: 'patient',
    name: 'save',
    arity: 1,
    summary: 'Saves a snapshot, and answers once it is durable.',
    async run(server) {
      await deskOf(server).save();
      return ok;
    },
  },
  {
    ...plain,
    kind: 'patient',
    name: 'rsl.snapshot',
    arity: -2,
    summary: 'SAVE (says where), LIST, STOP and ALLOW saving, READ digest offset bytes.',
    async run(server, args) {
      const name = args.text(0).toUpperCase();
      const [count, run] = subcommands[name] ?? [];
      if (count === undefined || run === undefined) {
        const known = Object.keys(subcommands).join(', ');
        throw new Refusal(`ERR unknown subcommand '${args.text(0)}'. Try ${known}.`);
      }
      if (args.count - 1 !== count) {
        throw new Refusal(`ERR wrong number of arguments for 'rsl.snapshot|${name.toLowerCase()}'`);
      }
      return run(deskOf(server), args, server);
    },
  },
];

type Subcommand = (desk: SnapshotDesk, args: Args, server: ServerContext) => Write | Promise<Write>;

const subcommands: Readonly<Record<string, readonly [args: number, run: Subcommand]>> = {
  SAVE: [0, async (desk) => json(await desk.save())],
  LIST: [0, (desk) => json(desk.list)],
  STOP: [
    0,
    (desk) => {
      desk.stop();
      return ok;
    },
  ],
  ALLOW: [
    0,
    (desk) => {
      desk.allow();
      return ok;
    },
  ],
  READ: [3, read],
};

async function read(desk: SnapshotDesk, args: Args, { limits }: ServerContext): Promise<Write> {
  const [offset, bytes] = [parseInteger(args.text(2)), parseInteger(args.text(3))];
  const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0;
  if (!isNumber(offset) || !isNumber(bytes)) throw new Refusal(notAnInteger);
  const most = Math.min(bytes, readBytesMax, Math.floor(limits.outputBytesMax / 2));
  const piece = await desk.read(args.text(1), offset, most);
  return (reply) => reply.bulk(Buffer.from(piece).toString('latin1'));
}

const json =
  (value: unknown): Write =>
  (reply) =>
    reply.bulk(Buffer.from(JSON.stringify(value)).toString('latin1'));

const ok: Write = (reply) => reply.simple('OK');

function deskOf({ snapshots }: ServerContext): SnapshotDesk {
  if (snapshots !== undefined) return snapshots;
  throw new Refusal('ERR this server keeps no snapshots');
}

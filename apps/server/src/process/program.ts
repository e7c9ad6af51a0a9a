import { Command, InvalidArgumentError, Option } from 'commander';
import type { LeaseOptions } from '@rsl/core';
import { type HostPort, parseAddress } from '@rsl/transport-tcp';
import { addBackup, type BackupActions } from '../backup/backup-command.ts';
import { addInspect, type InspectActions } from '../inspect/inspect-command.ts';
import { refuseOpenNetwork } from '../open-network.ts';
import { serverVersion } from '../version.ts';
import { memberList } from './member-list.ts';
import { numberOptions, type NumberOptionName } from './number-options.ts';
import type { StartSettings } from './start-settings.ts';
import { addSnapshot, type SnapshotActions } from '../snapshots/snapshot-command.ts';

export interface Actions extends BackupActions, InspectActions, SnapshotActions {
  start(settings: StartSettings): Promise<void>;
  status(client: HostPort): Promise<void>;
}

type Given = Omit<StartSettings, 'listen' | 'skipSlots'> & {
  readonly listen?: HostPort;
  readonly skipSlot: readonly number[];
};

const clientOption = '--client <host:port>';
const clientsAbout = 'where to listen for clients of @rsl/core/client; see README.md';
const followersAbout = 'a leader saves no snapshots, and copies those of its followers';
const skippedSlotsMax = 1_024;

/** The command line. Parsing it throws a CommanderError or an InvalidOptionError. */
export function program(actions: Actions): Command {
  const root = new Command('rsl-server')
    .description('A replicated key-value server that speaks the Redis protocol.')
    .version(serverVersion.rsl)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  startCommand(root).action((given: Given) => actions.start(checked(given)));
  root
    .command('status')
    .description('Prints the state of a running server and its replica as JSON.')
    .requiredOption(clientOption, 'where the server listens for clients', address)
    .action(({ client }: { client: HostPort }) => actions.status(client));
  const client = { flags: clientOption, parse: address };
  addSnapshot(root, actions, client);
  addBackup(root, actions, { address: client, group: groupName, id: replicaId, slots });
  addInspect(root, actions);
  return root;
}

function startCommand(root: Command): Command {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
  const start = root
    .command('start')
    .description('Runs one replica of a group, and serves clients.')
    .requiredOption('--id <n>', 'this replica, 1 … 65535; one of the members', replicaId)
    .requiredOption('--members <list>', 'all replicas: 1=HOST:PORT,2=HOST:PORT,…', memberList)
    .requiredOption(clientOption, 'where to listen for clients', address)
    .requiredOption('--data <directory>', 'what this replica must not lose; made if missing')
    .option('--clients <host:port>', clientsAbout, address)
    .option('--listen <host:port>', 'where to listen for replicas, if not as in --members', address)
    .option('--group <name>', 'the same on all members, 1 … 128 bytes', groupName, 'default')
    .option('--bootstrap', 'form the group once all members are up; on one of them', false)
    .option('--skip-slot <n>', 'do not execute that slot; see docs/operations.md', slots, [])
    .option('--lease <ms:drift>', 'a leader reads alone for so long; see README.md', leaseTerms)
    .addOption(
      new Option('--isolation <kind>', 'thread: votes wait for no command; see README.md')
        .choices(['inline', 'thread'])
        .default('inline'),
    )
    .option('--snapshot-followers-only', followersAbout, false)
    .option('--allow-plaintext', 'listen beyond loopback without encryption', false)
    .addOption(
      new Option('--log-level <level>', 'least to be logged').choices(levels).default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'for programs or for people')
        .choices(['json', 'pretty'])
        .default('json'),
    );
  for (const name of Object.keys(numberOptions) as NumberOptionName[]) {
    const { flags, from, through, otherwise, about } = numberOptions[name];
    const parse = (text: string): number => wholeNumber(text, from, through, otherwise);
    start.addOption(
      new Option(flags, `${about}; ${from} … ${through}`).default(otherwise).argParser(parse),
    );
  }
  return start;
}

/** What no option can know by itself. */
function checked({ skipSlot, ...given }: Given): StartSettings {
  const own = given.members.find(({ id }) => id === given.id)?.addresses['tcp'];
  if (own === undefined) {
    const ids = given.members.map(({ id }) => id).join(', ');
    throw new InvalidArgumentError(
      `--id ${given.id} is not among --members (${ids}): name this replica in both`,
    );
  }
  const listen = given.listen ?? parseAddress(own);
  if (listen === undefined) throw new InvalidArgumentError(`--members: ${own} is no address`);
  if (!given.allowPlaintext) {
    refuseOpenNetwork('--listen', listen);
    refuseOpenNetwork('--client', given.client);
    if (given.clients !== undefined) refuseOpenNetwork('--clients', given.clients);
  }
  return { ...given, listen, skipSlots: skipSlot };
}

function wholeNumber(text: string, from: number, through: number, otherwise: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= through) return value;
  throw new InvalidArgumentError(
    `It must be a whole number of ${from} … ${through}; leave it out for ${otherwise}.`,
  );
}

function replicaId(text: string): number {
  const id = /^\d+$/.test(text) ? Number(text) : 0;
  if (id >= 1 && id <= 65_535) return id;
  throw new InvalidArgumentError('It must be a whole number of 1 … 65535.');
}

/** `--skip-slot` once more. */
function slots(text: string, before: readonly number[]): readonly number[] {
  const slot = /^\d+$/.test(text) ? Number(text) : 0;
  if (!Number.isSafeInteger(slot) || slot < 1) {
    throw new InvalidArgumentError('It must be a whole number, 1 or more: the slot in the error.');
  }
  if (before.length === skippedSlotsMax) {
    throw new InvalidArgumentError(`There may be ${skippedSlotsMax} of them.`);
  }
  return [...before, slot];
}

function address(text: string): HostPort {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError(
    'It must be HOST:PORT or [IPv6]:PORT with a port of 0 … 65535, as in 127.0.0.1:6379.',
  );
}

function groupName(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes >= 1 && bytes <= 128) return text;
  throw new InvalidArgumentError(`It must have 1 … 128 bytes, not ${bytes}.`);
}

/** What contradicts the timings is refused at the start of the replica. */
function leaseTerms(text: string): LeaseOptions {
  const [, ms = '', drift = ''] = /^(\d{1,4}):(0\.\d{1,9})$/.exec(text) ?? [];
  if (ms !== '') return { forMs: Number(ms), drift: Number(drift) };
  throw new InvalidArgumentError(
    'It must be MS:DRIFT, as in 250:0.001: so many milliseconds, and no clock is wrong by more.',
  );
}

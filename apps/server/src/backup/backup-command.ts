import { type Command, InvalidArgumentError } from 'commander';
import type { HostPort } from '@rsl/transport-tcp';

/** What `rsl-server backup` was told. */
export interface Backup {
  readonly client: HostPort;
  /** A directory of snapshots; made if missing. */
  readonly to: string;
}

/** What `rsl-server restore` was told. */
export interface Restore {
  /** A directory of snapshots, or the file of one. */
  readonly backup: string;
  /** Of a replica that does not exist yet. */
  readonly data: string;
  readonly id: number;
  readonly group: string;
}

/** What `rsl-server replay` was told. */
export interface Replay {
  /** Of a replica; nothing in it is changed. */
  readonly data: string;
  /** Undefined: everything that is known to be decided. */
  readonly through?: number;
  readonly skipSlot: readonly number[];
  /** Undefined: nothing is written. */
  readonly to?: string;
}

export interface BackupActions {
  backup(this: void, given: Backup): Promise<void>;
  restore(this: void, given: Restore): Promise<void>;
  replay(this: void, given: Replay): Promise<void>;
}

/** How options that other commands have too are read. */
interface Parsers {
  readonly address: { readonly flags: string; readonly parse: (text: string) => HostPort };
  readonly id: (text: string) => number;
  readonly group: (text: string) => string;
  readonly slots: (text: string, before: readonly number[]) => readonly number[];
}

/** `backup`, `restore` and `replay`. */
export function addBackup(root: Command, actions: BackupActions, parse: Parsers): void {
  const { address, group, id, slots } = parse;
  root
    .command('backup')
    .description('Saves the state of a running server, and copies it into a directory.')
    .requiredOption(address.flags, 'where the server listens for clients', address.parse)
    .requiredOption('--to <directory>', 'a directory of snapshots; made if missing')
    .action((given: Backup) => actions.backup(given));
  root
    .command('restore')
    .description('Makes a backup what a new replica, and with others its group, begins with.')
    .argument('<backup>', 'a directory of snapshots (the newest one), or the file of one')
    .requiredOption('--data <directory>', 'of the new replica: empty, or made')
    .requiredOption('--id <n>', 'the new replica, 1 … 65535', id)
    .option('--group <name>', 'of the new group, the same on all members', group, 'default')
    .action((backup: string, given: Omit<Restore, 'backup'>) =>
      actions.restore({ backup, ...given }),
    );
  root
    .command('replay')
    .description('Executes what a stopped replica has stored, and changes nothing of it.')
    .requiredOption('--data <directory>', 'of the replica')
    .option('--through <slot>', 'the last slot to execute, if not all that is decided', slotOf)
    .option('--skip-slot <n>', 'as the servers of the group are started', slots, [])
    .option('--to <directory>', 'write a snapshot of that state there: empty, or made')
    .action((given: Replay) => actions.replay(given));
}

function slotOf(text: string): number {
  const slot = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(slot)) return slot;
  throw new InvalidArgumentError('It must be a whole number: a slot.');
}

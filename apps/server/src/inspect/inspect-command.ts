import { type Command, InvalidArgumentError, Option } from 'commander';

/** What `rsl-server inspect log` was told, checked. */
export interface LogInspection {
  readonly directory: string;
  readonly json: boolean;
  /** Undefined: all groups of the log. */
  readonly group?: string;
  /** Slots whose records are printed, inclusively. */
  readonly from: number;
  readonly to: number;
  /** The bytes of values too. */
  readonly values: boolean;
}

/** What `rsl-server inspect snapshots` was told. */
export interface SnapshotsInspection {
  readonly directory: string;
  readonly json: boolean;
  /** Reads all content. */
  readonly verify: boolean;
}

export interface InspectActions {
  inspectLog(this: void, given: LogInspection): Promise<void>;
  inspectSnapshots(this: void, given: SnapshotsInspection): Promise<void>;
}

const slotMax = Number.MAX_SAFE_INTEGER;
const jsonAbout = 'JSON, an object on each line; the last one says all but the records';

/** `inspect log` and `inspect snapshots`. */
export function addInspect(root: Command, { inspectLog, inspectSnapshots }: InspectActions): void {
  const inspect = root
    .command('inspect')
    .description('Looks into what a replica has stored, and changes nothing; see README.md.');
  inspect
    .command('log')
    .description('Prints what is in a log, and verifies all of it. Exit code 1: it is damaged.')
    .argument('<directory>', 'of the log: DATA/log')
    .option('--json', jsonAbout, false)
    .option('--group <name>', 'of a log of many groups, only this one')
    .addOption(slotOption('--from <slot>', 'leave out records of slots below', 0))
    .addOption(slotOption('--to <slot>', 'leave out records of slots above', slotMax))
    .option('--values', 'print the bytes of values too', false)
    .action((directory: string, given: Omit<LogInspection, 'directory'>) => {
      if (given.from > given.to) throw new InvalidArgumentError('--from is above --to.');
      return inspectLog({ directory, ...given });
    });
  inspect
    .command('snapshots')
    .description('Prints which snapshots there are. Exit code 1: one of them is damaged.')
    .argument('<directory>', 'of the snapshots')
    .option('--json', jsonAbout, false)
    .option('--verify', 'read all content, and check it', false)
    .action((directory: string, given: Omit<SnapshotsInspection, 'directory'>) =>
      inspectSnapshots({ directory, ...given }),
    );
}

const slotOption = (flags: string, about: string, otherwise: number): Option =>
  new Option(flags, about).default(otherwise, 'none').argParser(slot);

function slot(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a whole number: a slot.');
}

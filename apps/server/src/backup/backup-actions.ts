import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError, type Logger, silentLogger } from '@rsl/core';
import { decidedLog } from '@rsl/log-file/inspect';
import { replay, restoreBackup } from '@rsl/snapshot/offline';
import { KeyValue } from '../key-value.ts';
import { snapshotActions } from '../snapshots/snapshot-actions.ts';
import type { BackupActions } from './backup-command.ts';

/** `rsl-server backup`, `restore` and `replay`: each prints a line of JSON. */
export const backupActions: BackupActions = {
  async backup({ client, to }) {
    await snapshotActions.snapshotSave(client);
    await snapshotActions.snapshotCopy({ client, to });
  },

  async restore({ backup, data, group, id: self }) {
    if (!(await isEmpty(data))) {
      throw new InvalidOptionError('data', `${data} is not empty; a replica begins with a backup`);
    }
    const to = join(data, 'snapshots');
    const { bytes, founding, where } = await restoreBackup({ backup, to, group, self });
    print({ ...founding, bytes, where });
  },

  async replay({ data, skipSlot: skip, through, to }) {
    const log = await decidedLog(join(data, 'log'));
    const snapshots = join(data, 'snapshots');
    const stateMachine = new KeyValue(0);
    const { from, saved, slot, timeMs } = await replay({
      log,
      stateMachine,
      skip,
      logger: toStderr,
      ...(existsSync(snapshots) ? { snapshots } : {}),
      ...(through === undefined ? {} : { through }),
      ...(to === undefined ? {} : { to }),
    });
    const { size: keys } = stateMachine.keyspace;
    const written = saved && { digest: saved.meta.digest, where: saved.where };
    print({ slot, time: new Date(timeMs).toISOString(), keys, from: from?.slot ?? 0, ...written });
  },
};

/** Warnings only, for stdout has the answer. */
const toStderr: Logger = {
  ...silentLogger,
  warn: ({ err, file }: { readonly err?: unknown; readonly file?: unknown }, message: string) => {
    const why = err instanceof Error ? `: ${err.message}` : '';
    process.stderr.write(`rsl-server: ${String(file)}: ${message}${why}\n`);
  },
};

async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

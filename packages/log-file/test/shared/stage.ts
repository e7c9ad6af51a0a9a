/** What the tests of shared logs have in common: openings, and groups that write all the time. */
import type { LogRecord, LogStore, PortContext } from '@rsl/core/protocol';
import type { Files } from '../../src/files.ts';
import type { FileLogOptions } from '../../src/options.ts';
import { completeShared, openable, type SharedFileLog } from '../../src/shared/shared-file-log.ts';
import { contextOf, decided, KiB, recordsOf, smallOptions, vote } from '../stage.ts';

export const sharedOf = (
  directory: string,
  options: FileLogOptions = smallOptions,
  files?: Files,
): SharedFileLog => openable(directory, completeShared(directory, options), { files });

export const openGroup = (
  shared: SharedFileLog,
  group: string,
  change: Partial<PortContext> = {},
): Promise<LogStore> => shared.group().open(contextOf({ group, ...change }));

export interface OpenedGroup {
  readonly log: LogStore;
  readonly records: LogRecord[];
}

export async function recoverGroup(
  shared: SharedFileLog,
  group: string,
  change: Partial<PortContext> = {},
): Promise<OpenedGroup> {
  const log = await openGroup(shared, group, change);
  return { log, records: await recordsOf(log) };
}

/** Another group that votes, learns and truncates whenever it is told to. */
export class Noise {
  readonly #log: LogStore;
  #slot: number;

  private constructor(log: LogStore) {
    this.#log = log;
    this.#slot = log.info().lastSlot;
  }

  static async start(shared: SharedFileLog, group = 'noise'): Promise<Noise> {
    return new Noise((await recoverGroup(shared, group)).log);
  }

  make(): void {
    const slot = ++this.#slot;
    const length = slot % 7 === 0 ? 9 * KiB : slot % 300;
    const records = [vote(slot, 1, length), ...(slot % 5 === 0 ? [decided(slot - 1)] : [])];
    // Whether the medium is full, or fails, the tested group finds out.
    this.#log.append([...records, { kind: 'decided-through', slot }], () => {});
    if (slot % 20 === 0) this.#log.truncate(slot - 10);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** The log of one group, in whose every append others append as well. */
export function besides(log: LogStore, others: readonly Noise[]): LogStore {
  return {
    recover: (visit) => log.recover(visit),
    append(records, done) {
      for (const other of others) other.make();
      log.append(records, done);
      for (const other of others) other.make();
    },
    read: (from, to, bytesMax) => log.read(from, to, bytesMax),
    truncate: (before) => log.truncate(before),
    renew: () => log.renew(),
    info: () => log.info(),
    close: () => log.close(),
  };
}

import { ClosedError } from '@rsl/core';
import type { BesideLayer, Port, SnapshotMeta, SnapshotStore } from '@rsl/core/protocol';
import { Keeper } from './keeper.ts';
import { completeKeeperOptions, type KeeperOptions } from './keeper-options.ts';
import type { Saved } from './saver.ts';

/** What an operator may ask of the snapshots of a running replica. */
export interface Keeping {
  /**
   * Saves a snapshot of the state right behind the last executed slot, whatever the policy says and
   * also while saving is stopped; if something was executed at all, else once it was. Resolves when
   * it is durable. RSL_STORAGE_FULL and RSL_STORAGE_FAILED: nothing of it stays, the older ones do;
   * RSL_CLOSED.
   */
  saveNow(): Promise<Saved>;
  /** None is saved by itself from now on; one that is being written is given up. */
  stopSaving(): void;
  allowSaving(): void;
  /** Those that are committed, the newest first. RSL_CLOSED while the replica does not run. */
  snapshots(): readonly SnapshotMeta[];
}

/** A keeper's port, and its handle. One replica at a time opens it. */
export interface KeeperPort {
  readonly port: Port<BesideLayer>;
  readonly keeping: Keeping;
}

/** RSL_INVALID_OPTION for options that cannot be meant. */
export function keeperPort(
  store: Port<SnapshotStore>,
  options: Partial<KeeperOptions> = {},
): KeeperPort {
  const complete = completeKeeperOptions(options);
  let isStopped = false;
  let keeper: Keeper | undefined;
  const port: Port<BesideLayer> = {
    async open(context) {
      keeper = new Keeper(await store.open(context), complete, context);
      if (isStopped) keeper.stopSaving();
      return keeper;
    },
  };
  const running = (): Keeper => {
    if (keeper?.isRunning !== true) throw new ClosedError('the replica does not run');
    return keeper;
  };
  const allow = (isAllowed: boolean): void => {
    isStopped = !isAllowed;
    if (isAllowed) keeper?.allowSaving();
    else keeper?.stopSaving();
  };
  const keeping: Keeping = {
    saveNow: async () => running().saveNow(),
    stopSaving: () => allow(false),
    allowSaving: () => allow(true),
    snapshots: () => running().snapshots,
  };
  return { port, keeping };
}

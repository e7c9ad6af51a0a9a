import { ClosedError, InvalidOptionError } from '@rsl/core';
import type {
  BesideLayer,
  EngineLayer,
  Layer,
  Port,
  PortContext,
  SnapshotMeta,
  SnapshotReader,
  SnapshotStore,
} from '@rsl/core/protocol';
import { Keeper } from './keeper/keeper.ts';
import {
  completeKeeperOptions,
  defaultKeeperOptions,
  type KeeperOptions,
} from './keeper/keeper-options.ts';
import type { Saved } from './keeper/saver.ts';
import { snapshotEngineLayer } from './layer/engine-layer.ts';
import {
  completeLayerOptions,
  defaultLayerOptions,
  type LayerOptions,
} from './layer/layer-options.ts';
import { snapshotChannel } from './words.ts';

/** All but `store` may be left out; docs/limits.md has defaults and ranges. */
export interface SnapshotsOptions extends Partial<KeeperOptions>, Partial<LayerOptions> {
  /** Where they live: `fileSnapshots(directory)`. */
  readonly store: Port<SnapshotStore>;
}

/** A layer for one replica, and the operator's hand on it. */
export interface Snapshots extends Layer {
  /**
   * Saves the state right behind the last executed slot, also while saving is stopped; resolves
   * once the snapshot is durable. RSL_CLOSED unless the replica runs; RSL_STORAGE_FULL and
   * RSL_STORAGE_FAILED, the replica goes on; RSL_OVERLOADED while 1,024 callers wait.
   */
  saveNow(): Promise<Saved>;
  /** Nothing is saved by policy until it is allowed again; what is being saved is given up. */
  stopSaving(): void;
  /** Undoes `stopSaving`: what is due is saved at once. */
  allowSaving(): void;
  /** The committed ones, the newest first; none before the replica runs. */
  readonly list: readonly SnapshotMeta[];
  /**
   * To copy one elsewhere while the replica runs: readable until it is closed, whatever becomes of
   * it here. RSL_SNAPSHOT_GONE, RSL_CLOSED.
   */
  open(meta: SnapshotMeta): Promise<SnapshotReader>;
}

/**
 * Saves the state of a replica now and then, cuts its log, gives its snapshots to others, and
 * fetches one when it is too far behind: for `startReplica({ layers: [snapshots({ … })] })`. One
 * for each replica; when that was closed it may be used for the next start.
 *
 * RSL_INVALID_OPTION for anything that cannot be meant.
 */
export function snapshots({ store, ...given }: SnapshotsOptions): Snapshots {
  if (typeof store !== 'object' || store === null) throw new InvalidOptionError('store', 'missing');
  const { keeper, layer } = split(given);
  const complete = completeKeeperOptions(keeper);
  const copies = complete.followersOnly ? copiesLike(complete) : {};
  return new OneReplicasSnapshots(store, complete, completeLayerOptions({ ...copies, ...layer }));
}

/** A leader that saves nothing copies as often as it would save. */
const copiesLike = ({ everyBytes, everySlots }: KeeperOptions): Partial<LayerOptions> => ({
  copyAfterBytes: everyBytes,
  copyAfterSlots: everySlots === 0 ? defaultKeeperOptions.everySlots : everySlots,
});

/** The engine's half on another thread; see `Port.remote`. */
export const remoteSnapshots = (options: LayerOptions): Port<EngineLayer> => ({
  open: async () => snapshotEngineLayer(options),
});

class OneReplicasSnapshots implements Snapshots {
  readonly name = 'snapshots';
  readonly channel = snapshotChannel;
  readonly engine: Port<EngineLayer>;
  readonly beside: Port<BesideLayer>;
  readonly #store: Port<SnapshotStore>;
  readonly #options: KeeperOptions;
  #keeper: Keeper | undefined;

  constructor(store: Port<SnapshotStore>, options: KeeperOptions, layer: LayerOptions) {
    const file = import.meta.url.endsWith('.ts') ? './index.ts' : './index.js';
    const module = new URL(file, import.meta.url).href;
    this.#store = store;
    this.#options = options;
    this.engine = {
      ...remoteSnapshots(layer),
      remote: { module, name: 'remoteSnapshots', options: layer },
    };
    this.beside = { open: (context) => this.#open(context) };
  }

  get list(): readonly SnapshotMeta[] {
    return this.#keeper?.snapshots ?? [];
  }

  async saveNow(): Promise<Saved> {
    return this.#running.saveNow();
  }

  async open(meta: SnapshotMeta): Promise<SnapshotReader> {
    return this.#running.open(meta);
  }

  stopSaving(): void {
    this.#running.stopSaving();
  }

  allowSaving(): void {
    this.#running.allowSaving();
  }

  get #running(): Keeper {
    if (this.#keeper?.isRunning === true) return this.#keeper;
    throw new ClosedError('the replica of these snapshots does not run');
  }

  async #open(context: PortContext): Promise<BesideLayer> {
    if (this.#keeper?.isRunning === true) {
      const why = 'these snapshots are another replica’s, which runs; each needs its own';
      throw new InvalidOptionError('layers', why);
    }
    this.#keeper = new Keeper(await this.#store.open(context), this.#options, context);
    return this.#keeper;
  }
}

/** Each option has one of the two halves as its own. */
function split(given: Omit<SnapshotsOptions, 'store'>): {
  keeper: Partial<KeeperOptions>;
  layer: Partial<LayerOptions>;
} {
  const keeper: Record<string, unknown> = {};
  const layer: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(defaultLayerOptions, name)) layer[name] = value;
    else if (Object.hasOwn(keeperNames, name)) keeper[name] = value;
    else throw new InvalidOptionError(name, 'is no such option');
  }
  return { keeper, layer };
}

const keeperNames = {
  ...defaultKeeperOptions,
  followersOnly: false,
  onDiverged: 'stop',
  onProgress: undefined,
};

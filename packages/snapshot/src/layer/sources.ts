import type { ReplicaId, SnapshotMeta } from '@rsl/core/protocol';

/** A leader has other things to do: it is asked when the others have failed that often more. */
const leaderHandicap = 3;
/** More than any group has members. */
const sourcesMax = 256;

interface Source {
  readonly id: ReplicaId;
  readonly snapshots: readonly SnapshotMeta[];
  readonly leads: boolean;
}

/** One snapshot, and who is to give it. */
export interface Offer {
  readonly from: ReplicaId;
  readonly meta: SnapshotMeta;
}

/** Which peer has which snapshots, as far as it is known, and how well it gave them. */
export class Sources {
  readonly #below: (limit: number) => number;
  readonly #sources = new Map<ReplicaId, Source>();
  readonly #failures = new Map<ReplicaId, number>();

  /** `below`: drawn anew, so that not everybody asks the same one. */
  constructor(below: (limit: number) => number) {
    this.#below = below;
  }

  onHave(id: ReplicaId, snapshots: readonly SnapshotMeta[], leads: boolean): void {
    if (this.#sources.size >= sourcesMax && !this.#sources.has(id)) return;
    this.#sources.set(id, { id, snapshots, leads });
  }

  /** It cannot be reached. */
  forget(id: ReplicaId): void {
    this.#sources.delete(id);
  }

  /** It does not have this one any more, until it says that it has. */
  gone(id: ReplicaId, digest: string): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    const snapshots = source.snapshots.filter((meta) => meta.digest !== digest);
    this.#sources.set(id, { ...source, snapshots });
  }

  failed(id: ReplicaId, times = 1): void {
    if (this.#failures.size >= sourcesMax && !this.#failures.has(id)) return;
    this.#failures.set(id, (this.#failures.get(id) ?? 0) + times);
  }

  /** All that is known is old. */
  reset(): void {
    this.#sources.clear();
    this.#failures.clear();
  }

  /** Who is asked for this one: not a leader where another can, else whoever failed least. */
  giverOf(digest: string): ReplicaId | undefined {
    return this.best((meta) => meta.digest === digest)?.from;
  }

  /** The newest that covers what is needed, of the peer that is best to be asked. */
  best(covers: (meta: SnapshotMeta) => boolean): Offer | undefined {
    const offers: Offer[] = [];
    let least = Infinity;
    for (const { id, snapshots, leads } of this.#sources.values()) {
      const handicap = (this.#failures.get(id) ?? 0) + (leads ? leaderHandicap : 0);
      const meta = newestOf(snapshots.filter(covers));
      if (meta === undefined || handicap > least) continue;
      if (handicap < least) offers.length = 0;
      least = handicap;
      offers.push({ from: id, meta });
    }
    const newest = newestOf(offers.map(({ meta }) => meta));
    const equal = offers.filter(({ meta }) => meta.slot === newest?.slot);
    return equal.length > 1 ? equal[this.#below(equal.length)] : equal[0];
  }
}

function newestOf(metas: readonly SnapshotMeta[]): SnapshotMeta | undefined {
  let newest: SnapshotMeta | undefined;
  for (const meta of metas) if (newest === undefined || meta.slot > newest.slot) newest = meta;
  return newest;
}

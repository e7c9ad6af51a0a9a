import { type Membership, Quorum, type ReplicaId, type Slot } from '@rsl/core/protocol';
import type { StateDigest } from '../words.ts';
import type { LayerOutbox } from './layer-outbox.ts';

/** Digests of one replica that are remembered: the last ones that it said. */
const digestsMax = 4;
/** More than any group has members. */
const replicasMax = 256;

export interface ComparingParts {
  readonly self: ReplicaId;
  readonly peers: () => Iterable<ReplicaId>;
  readonly membership: () => Membership;
}

/** What a difference means: see P7. */
export type Verdict =
  /** A quorum agrees among itself, and not with this replica. */
  | 'here'
  /** This replica agrees with a quorum, and somebody does not. */
  | 'elsewhere'
  /** No quorum agrees, or not yet. */
  | 'unknown';

/**
 * Compares what members have made of the same slots: after some of them all save, and say the
 * digest of what they saved. Only what was executed counts: a snapshot that was copied from a
 * peer says what that one has executed.
 */
export class Comparing {
  readonly #parts: ComparingParts;
  readonly #said = new Map<ReplicaId, StateDigest[]>();
  /** Of slots whose difference was told: as what. */
  readonly #told = new Map<Slot, Verdict>();

  constructor(parts: ComparingParts) {
    this.#parts = parts;
  }

  /** This replica has made this of the slot. */
  onOwn(own: StateDigest, out: LayerOutbox): void {
    this.#remember(this.#parts.self, own);
    for (const peer of this.#parts.peers()) out.say(peer, { kind: 'digest', ...own });
    this.#judge(own.slot, out);
  }

  onPeer(from: ReplicaId, { digest, layout, slot }: StateDigest, out: LayerOutbox): void {
    this.#remember(from, { slot, layout, digest });
    this.#judge(slot, out);
  }

  /** What was said while it could not be reached did not arrive. */
  onConnected(peer: ReplicaId, out: LayerOutbox): void {
    for (const own of this.#said.get(this.#parts.self) ?? []) {
      out.say(peer, { kind: 'digest', ...own });
    }
  }

  #remember(id: ReplicaId, said: StateDigest): void {
    const before = this.#said.get(id) ?? [];
    if (before.length === 0 && this.#said.size >= replicasMax && id !== this.#parts.self) return;
    const others = before.filter(({ slot }) => slot !== said.slot);
    this.#said.set(id, [...others, said].slice(-digestsMax));
  }

  #judge(slot: Slot, out: LayerOutbox): void {
    const own = this.#at(this.#parts.self, slot);
    if (own === undefined) return;
    const { agreeing, differing } = this.#sides(own);
    if (differing.length === 0) return;
    const verdict = this.#verdictOf(agreeing, differing);
    if (this.#told.get(slot) === verdict) return;
    this.#told.set(slot, verdict);
    for (const [first] of this.#told) {
      if (this.#told.size <= digestsMax) break;
      this.#told.delete(first);
    }
    const others = differing.map(([id]) => id).sort((a, b) => a - b);
    out.order({ kind: 'diverged', slot, verdict, others });
  }

  /** Only what has the same layout can be compared. */
  #sides(own: StateDigest): { agreeing: Set<ReplicaId>; differing: [ReplicaId, string][] } {
    const agreeing = new Set<ReplicaId>();
    const differing: [ReplicaId, string][] = [];
    for (const id of this.#said.keys()) {
      const other = this.#at(id, own.slot);
      if (other?.layout !== own.layout) continue;
      if (other.digest === own.digest) agreeing.add(id);
      else differing.push([id, other.digest]);
    }
    return { agreeing, differing };
  }

  #verdictOf(agreeing: ReadonlySet<ReplicaId>, differing: readonly [ReplicaId, string][]): Verdict {
    const quorum = new Quorum(this.#parts.membership());
    if (quorum.includes(agreeing)) return 'elsewhere';
    const digests = new Set(differing.map(([, digest]) => digest));
    for (const digest of digests) {
      const ids = differing.filter(([, one]) => one === digest).map(([id]) => id);
      if (quorum.includes(new Set(ids))) return 'here';
    }
    return 'unknown';
  }

  #at(id: ReplicaId, slot: Slot): StateDigest | undefined {
    return this.#said.get(id)?.find((said) => said.slot === slot);
  }
}

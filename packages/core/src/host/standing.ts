import { ensures } from '@rsl/contracts';
import type { Recalled, StandingMessage } from '../codec/host-codec.ts';
import type { Standing } from '../paxos/log-record.ts';
import { type Membership, memberOf, type ReplicaId, type StoreId } from '../paxos/membership.ts';
import type { Identity } from '../paxos/protocol.ts';
import { Quorum } from '../paxos/quorum.ts';
import type { PeerIdentity } from '../ports/transport.ts';

export interface StandingHost {
  readonly self: Identity;
  /** Where the store stood when this start found it. */
  readonly found: Standing;
  /** This start, and what is durable now. */
  now(): Standing;
  connected(): Iterable<PeerIdentity>;
  send(to: ReplicaId, message: StandingMessage | Recalled): void;
  persist(standings: readonly Standing[]): void;
  /** A quorum remembers nothing later: it may promise and vote. */
  admitted(): void;
  /** Somebody remembers more of this store than it holds. */
  contradicted(position: number): void;
}

/** Stores that are remembered; the oldest are forgotten first. */
const standingsMax = 256;
/** A record is worth its write when stores have moved on by so much, or somebody has started. */
const growthMin = 128;
const recordMs = 10_000;

/**
 * Finds old copies (S2a). A store that was put back to an earlier state has forgotten promises
 * and votes that it once revealed. So every replica tells the others, now and then, where its
 * store stands: in which start, and at which position. They remember it, durably, and a replica
 * that starts asks them before it takes part: a quorum has to remember nothing later.
 *
 * What nobody of that quorum remembers, because it happened within the last interval before the
 * copy was put back, is outside of what can be found.
 */
export class Standings {
  readonly #host: StandingHost;
  readonly #intervalMs: number;
  readonly #known = new Map<StoreId, Standing>();
  readonly #agreed = new Set<ReplicaId>();
  #membership: Membership | undefined;
  #isAdmitted = false;
  #toldPosition = -1;
  #toldAtMs = -Infinity;
  #recordedAtMs = -Infinity;
  #growth = 0;

  constructor(host: StandingHost, intervalMs: number, known: readonly Standing[]) {
    this.#host = host;
    this.#intervalMs = intervalMs;
    for (const standing of known) this.#known.set(standing.store, standing);
  }

  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  /** Its configuration is known. A store that has no vote in it, or is new, is admitted at once. */
  begin(membership: Membership, isNew: boolean): void {
    this.#membership = membership;
    const { id, store } = this.#host.self;
    if (isNew || memberOf(membership, id, store)?.role !== 'voter') this.#admit();
    else this.#count();
  }

  /** A connection stands. */
  onPeer(peer: PeerIdentity): void {
    if (this.#membership !== undefined) this.#tell(peer.id);
  }

  onTick(nowMs: number): void {
    if (this.#membership === undefined || nowMs - this.#toldAtMs < this.#intervalMs) return;
    this.#toldAtMs = nowMs;
    const { position } = this.#host.now();
    if (!this.#isAdmitted || position !== this.#toldPosition) {
      this.#toldPosition = position;
      for (const { id } of this.#host.connected()) this.#tell(id);
    }
    if (this.#growth >= growthMin && nowMs - this.#recordedAtMs >= recordMs) this.#record(nowMs);
  }

  onStanding(from: PeerIdentity, message: StandingMessage): void {
    const { asks, count, nonce, position, found } = message;
    const known = this.#known.get(from.store);
    const isSameStart = known?.count === count && known.nonce === nonce;
    const contradicts = known !== undefined && !isSameStart && isLater(known, found);
    if (!contradicts) this.#remember({ store: from.store, count, nonce, position });
    if (!asks) return;
    const remembered = known?.position ?? 0;
    this.#host.send(from.id, { kind: 'recalled', nonce, contradicts, position: remembered });
  }

  onRecalled(from: PeerIdentity, { nonce, contradicts, position }: Recalled): void {
    if (nonce !== this.#host.now().nonce || this.#isAdmitted) return;
    const { members = [] } = this.#membership ?? {};
    // Whoever is no member proves nothing, neither that it is fine nor that it is an older copy.
    const named = members.find(({ id, store }) => id === from.id && store === from.store);
    if (named === undefined) return;
    if (contradicts) return this.#host.contradicted(position);
    this.#agreed.add(from.id);
    this.#count();
  }

  #count(): void {
    if (this.#membership === undefined || this.#isAdmitted) return;
    const quorum = new Quorum(this.#membership);
    if (quorum.includes(new Set([...this.#agreed, this.#host.self.id]))) this.#admit();
  }

  #admit(): void {
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    this.#host.admitted();
  }

  #tell(to: ReplicaId): void {
    const { count, nonce, position } = this.#host.now();
    const { found } = this.#host;
    this.#host.send(to, {
      kind: 'standing',
      asks: !this.#isAdmitted,
      count,
      nonce,
      position,
      found,
    });
  }

  #remember(standing: Standing): void {
    const known = this.#known.get(standing.store);
    const isSameStart = known?.count === standing.count && known.nonce === standing.nonce;
    const position = isSameStart ? Math.max(known.position, standing.position) : standing.position;
    this.#growth += isSameStart ? position - known.position : growthMin;
    this.#known.delete(standing.store);
    this.#known.set(standing.store, { ...standing, position });
    for (const store of this.#known.keys()) {
      if (this.#known.size <= standingsMax) break;
      this.#known.delete(store);
    }
    ensures(() => this.#known.size <= standingsMax, 'standing-1 so many stores are remembered');
  }

  #record(nowMs: number): void {
    this.#growth = 0;
    this.#recordedAtMs = nowMs;
    this.#host.persist([...this.#known.values()]);
  }
}

/** True if a store that once stood at `a` cannot have been found at `b` but as an older copy. */
function isLater(a: Standing, b: Omit<Standing, 'store'>): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.nonce !== b.nonce || a.position > b.position;
}

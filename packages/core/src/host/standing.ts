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
  /** Whether the log has room for more than it must keep (S5). */
  hasRoom(): boolean;
  persist(standings: readonly Standing[]): void;
  /** Nobody remembers anything later: this start may be written down. `onAdmitted` follows. */
  admit(): void;
  /** Somebody remembers more of this store than it holds. */
  contradicted(position: number): void;
}

/** Stores that are remembered; the oldest are forgotten first. */
const standingsMax = 256;
/** A record is worth its write when stores have moved on by so much, or somebody has started. */
const growthMin = 128;
const recordMs = 10_000;
/** In quiet times less is worth it, but more than what such records add themselves. */
const quietGrowthMin = 32;
const quietRecordMs = 60_000;

/**
 * Finds old copies (S2a). A store that was put back to an earlier state has forgotten promises
 * and votes that it once revealed. So every replica tells the others, now and then, where its
 * store stands: in which start, and at which position. They remember it, durably, and a replica
 * that starts asks them before it takes part: a quorum, and every member that it is connected
 * with, has to remember nothing later. Only then is the start written down, so that a copy that
 * is started again and again stays what it was found to be.
 *
 * What no member remembers that can be reached cannot be found. Whoever comes later and does
 * remember says so at once.
 */
export class Standings {
  readonly #host: StandingHost;
  readonly #intervalMs: number;
  readonly #known = new Map<StoreId, Standing>();
  readonly #agreed = new Set<ReplicaId>();
  #membership: Membership | undefined;
  #state: 'asking' | 'admitting' | 'admitted' | 'contradicted' = 'asking';
  #toldPosition = -1;
  #toldAtMs = -Infinity;
  #recordedAtMs = -Infinity;
  #growth = 0;

  constructor(host: StandingHost, intervalMs: number, known: readonly Standing[]) {
    this.#host = host;
    this.#intervalMs = intervalMs;
    for (const standing of known) this.#known.set(standing.store, standing);
  }

  /** Its configuration is known. A store that has no vote in it, or is new, is admitted at once. */
  begin(membership: Membership, isNew: boolean): void {
    this.#membership = membership;
    const { id, store } = this.#host.self;
    if (isNew || memberOf(membership, id, store)?.role !== 'voter') this.#admit();
    else this.#count();
  }

  /** This start is in the log. */
  onAdmitted(): void {
    if (this.#state === 'admitting') this.#state = 'admitted';
  }

  /** A connection stands. */
  onPeer(peer: PeerIdentity): void {
    if (this.#membership !== undefined) this.#tell(peer.id);
  }

  onTick(nowMs: number): void {
    if (this.#membership === undefined || nowMs - this.#toldAtMs < this.#intervalMs) return;
    this.#toldAtMs = nowMs;
    this.#count();
    this.#tellIfMoved();
    if (this.#shouldRecord(nowMs)) this.#record(nowMs);
  }

  get isAdmitted(): boolean {
    return this.#state === 'admitted';
  }

  /** There may be no ticks for long: tells and writes now what is worth it, without waiting. */
  wrapUp(nowMs: number): void {
    if (!this.isAdmitted) return;
    this.#tellIfMoved();
    if (this.#growth >= quietGrowthMin && this.#host.hasRoom()) this.#record(nowMs);
  }

  onStanding(from: PeerIdentity, message: StandingMessage): void {
    const { asks, count, nonce, position, found } = message;
    const known = this.#known.get(from.store);
    const isSameStart = known?.count === count && known.nonce === nonce;
    const contradicts = known !== undefined && !isSameStart && isLater(known, found);
    // Who still asks has written nothing yet: it stands where it was found.
    if (!contradicts && !asks) this.#remember({ store: from.store, count, nonce, position });
    if (!asks && !contradicts) return;
    const remembered = known?.position ?? 0;
    this.#host.send(from.id, { kind: 'recalled', nonce, contradicts, position: remembered });
  }

  onRecalled(from: PeerIdentity, { nonce, contradicts, position }: Recalled): void {
    if (nonce !== this.#host.now().nonce || this.#state === 'contradicted') return;
    // Whoever is no member proves nothing, neither that it is fine nor that it is an older copy.
    if (!this.#isMember(from)) return;
    if (contradicts) {
      this.#state = 'contradicted';
      return this.#host.contradicted(position);
    }
    this.#agreed.add(from.id);
    this.#count();
  }

  /** The replica ends in order: what it remembers of others outlives it. */
  close(): void {
    if (this.#growth > 0 && this.#state === 'admitted') this.#record(Infinity);
  }

  #count(): void {
    if (this.#membership === undefined || this.#state !== 'asking') return;
    const isOpen = (peer: PeerIdentity): boolean =>
      this.#isMember(peer) && !this.#agreed.has(peer.id);
    if ([...this.#host.connected()].some(isOpen)) return;
    const quorum = new Quorum(this.#membership);
    if (quorum.includes(new Set([...this.#agreed, this.#host.self.id]))) this.#admit();
  }

  #isMember({ id, store }: PeerIdentity): boolean {
    return (
      this.#membership !== undefined && memberOf(this.#membership, id, store)?.role === 'voter'
    );
  }

  #admit(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'admitting';
    this.#host.admit();
  }

  #tellIfMoved(): void {
    const { position } = this.#host.now();
    if (this.isAdmitted && position === this.#toldPosition) return;
    this.#toldPosition = position;
    for (const { id } of this.#host.connected()) this.#tell(id);
  }

  #tell(to: ReplicaId): void {
    const { found } = this.#host;
    const { count, nonce, position } = this.#host.now();
    const asks = this.#state !== 'admitted';
    this.#host.send(to, { kind: 'standing', asks, count, nonce, position, found });
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

  #shouldRecord(nowMs: number): boolean {
    if (this.#state !== 'admitted' || !this.#host.hasRoom()) return false;
    const sinceMs = nowMs - this.#recordedAtMs;
    if (this.#growth >= growthMin) return sinceMs >= recordMs;
    return this.#growth >= quietGrowthMin && sinceMs >= quietRecordMs;
  }

  #record(nowMs: number): void {
    this.#growth = 0;
    this.#recordedAtMs = nowMs;
    this.#host.persist([...this.#known.values()]);
  }
}

/**
 * True if a store that once stood at `a` cannot have been found at `b` but as an older copy: over
 * its whole life starts are counted up, and its position only grows.
 */
function isLater(a: Standing, b: Omit<Standing, 'store'>): boolean {
  if (a.count > b.count || a.position > b.position) return true;
  return a.count === b.count && a.nonce !== b.nonce;
}

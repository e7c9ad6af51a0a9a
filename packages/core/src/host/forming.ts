import type { Accepted, Form, Formed, HostMessage, Refused, Where } from '../codec/host-codec.ts';
import { groupIdOf, isFirstOf } from '../codec/membership-codec.ts';
import { BootstrapError } from '../errors.ts';
import {
  type Founding,
  type Member,
  type Membership,
  memberOf,
  sameFounding,
} from '../paxos/membership.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Identity } from '../paxos/protocol.ts';
import type { PeerAddress, PeerIdentity } from '../ports/transport.ts';
import { unreachable } from '../unreachable.ts';

export interface FormingHost {
  readonly name: string;
  readonly self: Identity;
  /** Connections that stand now. */
  connected(): Iterable<PeerIdentity>;
  send(to: number, message: HostMessage): void;
  /** `then` runs once the record is durable. */
  persist(record: LogRecord, then: () => void): void;
  /** Keep connections with these. */
  peers(peers: readonly PeerAddress[]): void;
  /** The configuration is known, durably. */
  formed(membership: Membership): void;
  /** This store agreed to something once, and does not know of it: it is an older copy (S2a). */
  contradicted(): void;
}

export type FormingMessage = Where | Form | Accepted | Refused | Formed;

interface Attempt {
  readonly addresses: readonly PeerAddress[];
  readonly deadlineMs: number;
  readonly resolve: (result: 'formed' | 'already') => void;
  readonly reject: (error: Error) => void;
  membership: Membership | undefined;
  readonly accepted: Set<number>;
}

/**
 * How a group begins (S10). One call collects the store of every member named; each store durably
 * accepts one such set in its life; nobody votes before all have accepted. A replica that knows no
 * configuration asks where the group is.
 */
export class Forming {
  readonly #host: FormingHost;
  #membership: Membership | undefined;
  #agreed: Membership | undefined;
  #founding: Founding | undefined;
  #attempt: Attempt | undefined;
  #whereAtMs = -Infinity;
  /** Being written; nothing else is accepted meanwhile. */
  #writing = false;

  constructor(
    host: FormingHost,
    membership: Membership | undefined,
    agreed: Membership | undefined,
  ) {
    this.#host = host;
    this.#membership = membership;
    this.#agreed = agreed;
  }

  /** It has the state of a backup: it is in no group yet, or in one that began with that. */
  foundOn(founding: Founding): void {
    this.#founding = founding;
  }

  /** `deadlineMs` is in the host's monotonic time. */
  bootstrap(addresses: readonly PeerAddress[], deadlineMs: number): Promise<'formed' | 'already'> {
    if (this.#membership !== undefined) return this.#compare(this.#membership, addresses);
    if (this.#attempt !== undefined) {
      const why = 'this replica is forming the group already; wait for that call';
      return Promise.reject(new BootstrapError('RSL_BOOTSTRAP_INCOMPLETE', why));
    }
    this.#host.peers(addresses.filter(({ id }) => id !== this.#host.self.id));
    return new Promise((resolve, reject) => {
      const accepted = new Set<number>();
      const membership = undefined;
      this.#attempt = { addresses, deadlineMs, resolve, reject, membership, accepted };
    });
  }

  onTick(nowMs: number, intervalMs: number): void {
    if (this.#membership !== undefined) return;
    const attempt = this.#attempt;
    if (attempt !== undefined && nowMs >= attempt.deadlineMs) this.#giveUp(attempt);
    if (nowMs - this.#whereAtMs < intervalMs) return;
    this.#whereAtMs = nowMs;
    for (const { id } of this.#host.connected()) this.#host.send(id, { kind: 'where' });
    if (this.#attempt !== undefined) this.#advance(this.#attempt);
  }

  onMessage(from: PeerIdentity, message: FormingMessage): void {
    switch (message.kind) {
      case 'where':
        return this.#onWhere(from);
      case 'form':
        return this.#onForm(from, message);
      case 'accepted':
        return this.#onAccepted(from, message);
      case 'refused':
        return this.#onRefused(from, message);
      case 'formed':
        return this.#onFormed(message);
      default:
        return unreachable(message);
    }
  }

  /** The replica ends. */
  close(error: Error): void {
    this.#attempt?.reject(error);
    this.#attempt = undefined;
  }

  #onWhere(from: PeerIdentity): void {
    if (this.#membership === undefined) return;
    this.#host.send(from.id, { kind: 'formed', membership: this.#membership });
  }

  #onForm(from: PeerIdentity, { membership }: Form): void {
    const { group } = membership;
    const why = this.#whyNot(membership);
    if (why !== undefined) {
      this.#host.send(from.id, { kind: 'refused', group, reason: why });
    } else if (this.#agreed?.group === group) {
      this.#host.send(from.id, { kind: 'accepted', group });
    } else if (!this.#writing) {
      this.#agree(membership, () => this.#host.send(from.id, { kind: 'accepted', group }));
    }
  }

  #whyNot(membership: Membership): string | undefined {
    const { id, store } = this.#host.self;
    const current = this.#membership ?? this.#agreed;
    if (current !== undefined && current.group !== membership.group) {
      return `replica ${id} belongs to group ${current.group} already`;
    }
    if (!isFirstOf(this.#host.name, membership)) {
      return `group ${membership.group} is not named “${this.#host.name}”`;
    }
    if (current === undefined && !sameFounding(membership.founding, this.#founding)) {
      return `${this.#begun}, and the group is to begin with ${stateOf(membership.founding)}`;
    }
    if (memberOf(membership, id, store) === undefined) {
      return `replica ${id} has store ${store}, which is not among the members`;
    }
    return undefined;
  }

  #agree(membership: Membership, then: () => void): void {
    this.#writing = true;
    this.#host.persist({ kind: 'bootstrap', membership }, () => {
      this.#writing = false;
      this.#agreed = membership;
      then();
    });
  }

  #onAccepted(from: PeerIdentity, { group }: Accepted): void {
    const attempt = this.#attempt;
    const { membership } = attempt ?? {};
    if (attempt === undefined || membership?.group !== group) return;
    if (memberOf(membership, from.id, from.store) === undefined) return;
    attempt.accepted.add(from.id);
    this.#advance(attempt);
  }

  #onRefused(from: PeerIdentity, { group, reason }: Refused): void {
    if (this.#attempt?.membership?.group !== group) return;
    const why = `member ${from.id} refused: ${reason}; compare the members given with its status`;
    this.#attempt.reject(new BootstrapError('RSL_ALREADY_FORMED', why));
    this.#attempt = undefined;
  }

  #onFormed({ membership }: Formed): void {
    if (this.#membership !== undefined) return;
    const { id, store } = this.#host.self;
    // It has a state of another history, and must never go on in this group.
    const mine = this.#founding;
    if (mine !== undefined && !sameFounding(membership.founding, mine)) return;
    const isFirst = membership.number === 1;
    if (isFirst && !isFirstOf(this.#host.name, membership)) return;
    // A first set that names this store was accepted by it, or it is not that set.
    const named = memberOf(membership, id, store) !== undefined;
    if (isFirst && named && this.#agreed?.group !== membership.group) {
      if (this.#agreed === undefined && !this.#writing) this.#host.contradicted();
      return;
    }
    this.#adopt(membership);
  }

  /** One step further, as far as that is possible now. */
  #advance(attempt: Attempt): void {
    attempt.membership ??= this.#collect(attempt.addresses);
    // What was agreed to before has the addresses that the others agreed to as well.
    if (this.#agreed?.group === attempt.membership?.group) attempt.membership = this.#agreed;
    const { membership } = attempt;
    if (membership === undefined || this.#membership !== undefined) return;
    if (this.#agreed !== undefined && this.#agreed.group !== membership.group) {
      const why = `this store agreed to form group ${this.#agreed.group} with other members`;
      attempt.reject(new BootstrapError('RSL_ALREADY_FORMED', why));
      this.#attempt = undefined;
      return;
    }
    if (this.#agreed === undefined) {
      if (!this.#writing) this.#agree(membership, () => this.#advance(attempt));
      return;
    }
    attempt.accepted.add(this.#host.self.id);
    const missing = membership.members.filter((m) => !attempt.accepted.has(m.id));
    for (const { id } of missing) this.#host.send(id, { kind: 'form', membership });
    if (missing.length === 0) this.#adopt(membership);
  }

  /** The set with the stores of all members, once each has been met. */
  #collect(addresses: readonly PeerAddress[]): Membership | undefined {
    const { self } = this.#host;
    const stores = new Map([[self.id, self.store]]);
    for (const peer of this.#host.connected()) stores.set(peer.id, peer.store);
    const members: Member[] = [];
    for (const { id, addresses: where } of [...addresses].sort((a, b) => a.id - b.id)) {
      const store = stores.get(id);
      if (store === undefined) return undefined;
      members.push({ id, store, role: 'voter', addresses: where });
    }
    const founding = this.#founding;
    const group = groupIdOf(this.#host.name, members, founding);
    if (founding === undefined) return { group, number: 1, firstSlot: 1, members, previous: [] };
    return { group, number: 1, firstSlot: founding.slot + 1, members, previous: [], founding };
  }

  get #begun(): string {
    return `replica ${this.#host.self.id} has ${stateOf(this.#founding)}`;
  }

  #adopt(membership: Membership): void {
    if (this.#writing) return;
    this.#writing = true;
    this.#host.persist({ kind: 'configuration', membership }, () => {
      this.#writing = false;
      this.#membership = membership;
      const attempt = this.#attempt;
      this.#attempt = undefined;
      for (const { id } of this.#host.connected())
        this.#host.send(id, { kind: 'formed', membership });
      this.#host.formed(membership);
      if (attempt === undefined) return;
      const mine = attempt.membership?.group === membership.group;
      if (mine) attempt.resolve('formed');
      else this.#compare(membership, attempt.addresses).then(attempt.resolve, attempt.reject);
    });
  }

  #compare(membership: Membership, addresses: readonly PeerAddress[]): Promise<'already'> {
    const ids = (list: readonly { readonly id: number }[]): string =>
      list
        .map((one) => one.id)
        .sort((a, b) => a - b)
        .join(', ');
    if (ids(membership.members) === ids(addresses)) return Promise.resolve('already');
    const why = `the group has members ${ids(membership.members)}, not ${ids(addresses)}`;
    return Promise.reject(new BootstrapError('RSL_ALREADY_FORMED', why));
  }

  #giveUp(attempt: Attempt): void {
    const known = new Set([...this.#host.connected()].map((p) => p.id));
    known.add(this.#host.self.id);
    const missing = attempt.addresses.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    const why =
      missing.length > 0
        ? `members ${missing.join(', ')} were not reached; start them, then bootstrap again`
        : 'not every member has answered; bootstrap again with the same members';
    attempt.reject(new BootstrapError('RSL_BOOTSTRAP_INCOMPLETE', why));
    this.#attempt = undefined;
  }
}

/** For people. */
const stateOf = (founding: Founding | undefined): string =>
  founding === undefined
    ? 'an empty state'
    : `the restored state of slot ${founding.slot} (${founding.digest.slice(0, 16)}…)`;

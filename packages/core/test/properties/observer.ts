import { type Ballot, compareBallots, describeBallot, sameBallot } from '../../src/paxos/ballot.ts';
import type { Effect } from '../../src/paxos/effect.ts';
import type { ReplicaId } from '../../src/paxos/membership.ts';
import type { Message, Phase1b, Phase2b } from '../../src/paxos/messages.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { sameValue, type Value } from '../../src/paxos/value.ts';
import { textOf } from '../paxos/fixture.ts';
import { check, Ledger } from './ledger.ts';

type Persist = Extract<Effect, { kind: 'persist' }>;
type Sent = Persist['then'][number];

/** Sees everything that leaves a replica, and compares it with what its medium has by then. */
export class Observer {
  readonly ledger: Ledger;
  readonly #bases = new Map<string, Slot>();
  readonly #rejected: Value[] = [];

  constructor(ids: readonly ReplicaId[]) {
    this.ledger = new Ledger(ids);
  }

  /** A replica has said this to its host; nothing of a `persist` is durable yet. */
  onEffect(by: ReplicaId, effect: Effect, releasedThrough: Slot): void {
    if (effect.kind === 'send') this.#onSend(by, effect.message);
    if (effect.kind === 'persist') this.#onPersist(by, effect, releasedThrough);
    if (effect.kind === 'reject') {
      const { value } = effect;
      this.#rejected.push(value);
      const taken = this.ledger.wasProposed(value);
      check(!taken, () => `"${textOf(value)}" is rejected and was proposed`);
    }
    if (effect.kind === 'execute') {
      const { slot, value } = effect;
      const what = `${by} releases slot ${slot} "${textOf(value)}"`;
      check(slot === releasedThrough + 1, () => `P7: ${what} after ${releasedThrough}`);
      check(this.ledger.isDecided(slot, value), () => `P8: ${what}, which is not decided`);
    }
  }

  /** The records are on the medium, and now this leaves. */
  onLeaving(by: ReplicaId, sent: readonly Sent[]): void {
    for (const { message } of sent) {
      if (message.kind === '1a') this.#on1a(by, message.ballot);
      if (message.kind === '1b') this.#on1b(by, message);
      if (message.kind === '2b') this.#on2b(by, message);
    }
  }

  #onPersist(by: ReplicaId, { records, then }: Persist, releasedThrough: Slot): void {
    for (const record of records) {
      if (record.kind !== 'vote') continue;
      const { slot, vote } = record;
      check(slot > releasedThrough, () => `P1: ${by} votes in released slot ${slot}`);
      if (vote.ballot.proposer === by) this.#onProposed(vote.ballot, slot, vote.value);
    }
    const own = then.filter(({ message }) => message.kind === '1a');
    const foreign = own.find(({ message }) => message.ballot.proposer !== by);
    check(foreign === undefined, () => `${by} stands in a ballot of somebody else`);
  }

  #onSend(by: ReplicaId, message: Message): void {
    const told = `${by} says ${message.kind}`;
    if (message.kind === '2a' || message.kind === 'heartbeat' || message.kind === 'decided') {
      check(message.ballot.proposer === by, () => `${told} in a ballot of somebody else`);
      this.#onBase(message.ballot, message.base);
    }
    if (message.kind === '2a') {
      check(message.slot >= message.base, () => `${told} below its base`);
      this.#onProposed(message.ballot, message.slot, message.value);
    }
    if (message.kind === 'nack') {
      const higher = compareBallots(message.promised, message.ballot) > 0;
      check(higher, () => `${told} without a higher promise`);
    }
    if (message.kind === 'learn-reply') this.#onValues(told, message.fromSlot, message.values);
    if ('decidedThrough' in message) {
      const { decidedThrough } = message;
      const holds = this.ledger.isDecidedThrough(decidedThrough);
      check(holds, () => `P8: ${told} with decidedThrough ${decidedThrough}, which is not so`);
    }
  }

  #onValues(told: string, fromSlot: Slot, values: readonly Value[]): void {
    for (const [i, value] of values.entries()) {
      const slot = fromSlot + i;
      const decided = this.ledger.isDecided(slot, value);
      check(decided, () => `R1: ${told} with a value that is not decided in slot ${slot}`);
    }
  }

  #onProposed(ballot: Ballot, slot: Slot, value: Value): void {
    const denied = this.#rejected.some((rejected) => sameValue(rejected, value));
    check(!denied, () => `"${textOf(value)}" was rejected, and is proposed in slot ${slot}`);
    this.ledger.onProposed(ballot, slot, value);
  }

  #onBase(ballot: Ballot, base: Slot): void {
    const name = describeBallot(ballot);
    const before = this.#bases.get(name);
    check(before === undefined || before === base, () => `P6: ballot ${name} has a second base`);
    this.#bases.set(name, base);
  }

  #on1a(by: ReplicaId, ballot: Ballot): void {
    const durable = compareBallots(this.ledger.acceptor(by).promised, ballot) >= 0;
    check(durable, () => `P2: ${by} shows ${describeBallot(ballot)}, which is not durable`);
  }

  #on2b(by: ReplicaId, { ballot, through }: Phase2b): void {
    const base = this.#bases.get(describeBallot(ballot));
    if (base === undefined) throw new Error(`${by} answers ${describeBallot(ballot)}: no base`);
    for (let slot = base; slot <= through; slot += 1) {
      const stored = this.ledger.stored(by, slot);
      const known = stored !== undefined && this.ledger.isDecided(slot, stored);
      const holds = known || this.ledger.hasVoted(by, slot, ballot);
      check(holds, () => `P6: ${by} says 2b ${describeBallot(ballot)} through ${through}: ${slot}`);
    }
  }

  /** Everything that was voted for below the ballot is told, or is below what is released. */
  #on1b(by: ReplicaId, message: Phase1b): void {
    const { ballot, decidedThrough, firstSlot, fromSlot, nextSlot = Infinity, reported } = message;
    const name = `1b of ${by} for ${describeBallot(ballot)}`;
    const { promised, votes } = this.ledger.acceptor(by);
    check(compareBallots(promised, ballot) >= 0, () => `P2: ${name} is not durable`);
    check(this.ledger.isDecidedThrough(decidedThrough), () => `${name} says too much is decided`);
    check(firstSlot <= decidedThrough + 1, () => `${name} cuts what is not decided`);
    const told = new Map(reported.map((r) => [r.slot, r]));
    check(told.size === reported.length, () => `${name} tells a slot twice`);
    for (const slot of votes.keys()) {
      const highest = this.ledger.highestVote(by, slot, ballot);
      const isAsked = slot >= fromSlot && slot < nextSlot && slot > decidedThrough;
      if (highest === undefined || !isAsked) continue;
      const one = told.get(slot);
      if (one === undefined) throw new Error(`P4: ${name} does not tell of slot ${slot}`);
      const low = one.state !== 'decided' && compareBallots(one.ballot, highest.ballot) < 0;
      check(!low, () => `P4: ${name} tells of an older vote in slot ${slot}`);
    }
    for (const one of reported) {
      if (one.state === 'decided') {
        check(this.ledger.isDecided(one.slot, one.value), () => `${name}: ${one.slot} not decided`);
      } else {
        const { slot, ballot: of } = one;
        const cast = this.ledger
          .acceptor(by)
          .votes.get(slot)
          ?.find((v) => sameBallot(v.ballot, of));
        const same = one.state === 'lost' || (cast && sameValue(cast.value, one.value));
        check(cast !== undefined && same === true, () => `${name} tells of no vote: ${slot}`);
      }
    }
  }
}

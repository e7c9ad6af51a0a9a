import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Grantor } from '../../src/paxos/grantor.ts';
import { LeaderReads } from '../../src/paxos/leader-reads.ts';
import { suspendMarginMs } from '../../src/paxos/lease.ts';
import type { Grant, Heartbeat } from '../../src/paxos/messages.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { ballot, group, heartbeat, heldOf, recordsOf } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const drift = 0.1;
const terms = { forMs: 250, drift };
const others = [2, 3, 4, 5];
const of = ballot(1, 1);

type Action =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'beat' }
  | { readonly kind: 'heartbeat' | 'grant'; readonly letter: number }
  | { readonly kind: 'restart'; readonly id: number }
  | { readonly kind: 'suspend'; readonly ms: number };

const one = <K extends string>(kind: K) => fc.constant(kind);
const weighted = <T extends Action>(weight: number, arbitrary: fc.Arbitrary<T>) => ({
  weight,
  arbitrary: arbitrary as fc.Arbitrary<Action>,
});

const actions = fc.array(
  fc.oneof(
    weighted(6, fc.record({ kind: one('pass'), ms: fc.nat({ max: 120 }) })),
    weighted(5, fc.record({ kind: one('beat') })),
    weighted(10, fc.record({ kind: one('heartbeat'), letter: fc.nat({ max: 12 }) })),
    weighted(10, fc.record({ kind: one('grant'), letter: fc.nat({ max: 12 }) })),
    weighted(1, fc.record({ kind: one('restart'), id: fc.constantFrom(...others) })),
    weighted(1, fc.record({ kind: one('suspend'), ms: fc.nat({ max: suspendMarginMs }) })),
  ),
  { maxLength: 120, size: 'max' },
);

/** As wrong as clocks may be, more often than not. */
const rate = fc.oneof(
  fc.constantFrom(1 - drift, 1 + drift),
  fc.double({ min: 1 - drift, max: 1 + drift, noNaN: true }),
);

/** A leader and four grantors, whose clocks go wrong within the drift; letters take any time. */
class Stage {
  readonly #rates: readonly number[];
  readonly #reads = new LeaderReads(1, new Quorum(group(5)), 0, terms);
  readonly #grantors = new Map<number, Grantor>();
  readonly #remembered = new Map<number, number>();
  #heartbeats: { readonly to: number; readonly message: Heartbeat }[] = [];
  #grants: { readonly from: number; readonly message: Grant }[] = [];
  #nowMs = 0;
  /** For how long the leader's clock has stood still, unnoticed. */
  #stoodMs = 0;
  /** Moments at which the lease was held. */
  held = 0;

  constructor(rates: readonly number[]) {
    this.#rates = rates;
    for (const id of others) this.#start(id);
  }

  run(action: Action): void {
    if (action.kind === 'pass') this.#nowMs += action.ms;
    if (action.kind === 'restart') this.#start(action.id);
    if (action.kind === 'suspend' && this.#stoodMs + action.ms <= suspendMarginMs) {
      this.#nowMs += action.ms;
      this.#stoodMs += action.ms;
    }
    if (action.kind === 'beat') {
      const round = this.#reads.nextRound(this.#clock(1));
      const message = heartbeat(of, { round, leaseMs: this.#reads.lease.askedMs });
      for (const to of others) this.#heartbeats.push({ to, message });
    }
    if (action.kind === 'heartbeat') this.#deliver(action.letter);
    if (action.kind === 'grant') {
      const [letter] = this.#grants.splice(action.letter % Math.max(1, this.#grants.length), 1);
      if (letter !== undefined) this.#reads.onGrant(letter.from, letter.message.round);
    }
    this.#check();
  }

  /** Just before the lease ends is when it is most in danger. */
  #check(): void {
    if (!this.#reads.lease.isHeld(this.#clock(1))) return;
    this.held += 1;
    const free = others.filter((id) => this.#grantors.get(id)?.isFree(9, this.#clock(id)));
    expect(free.length, `free at ${this.#nowMs}: ${free.join(', ')}`).toBeLessThan(3);
  }

  #deliver(place: number): void {
    const [letter] = this.#heartbeats.splice(place % Math.max(1, this.#heartbeats.length), 1);
    if (letter === undefined) return;
    const { to, message } = letter;
    const out = new Outbox();
    this.#grantors.get(to)?.onHeartbeat(message, this.#clock(to), out);
    const effects = out.take();
    for (const record of recordsOf(effects)) {
      if (record.kind === 'lease') this.#remembered.set(to, record.leaseMs);
    }
    for (const grant of heldOf(effects)) {
      if (grant.kind === 'grant') this.#grants.push({ from: to, message: grant });
    }
  }

  #start(id: number): void {
    const leaseMs = this.#remembered.get(id) ?? 0;
    const nowMs = this.#clock(id);
    this.#grantors.set(id, new Grantor({ self: id, electionTimeoutMsMin: 300, leaseMs, nowMs }));
  }

  #clock(id: number): number {
    const stoodMs = id === 1 ? this.#stoodMs : 0;
    return 1_000 * id + (this.#rates[id - 1] ?? 1) * (this.#nowMs - stoodMs);
  }
}

test(
  'while a leader holds its lease no quorum is free to promise another, whatever the clocks do',
  () => {
    let held = 0;
    const rates = fc.array(rate, { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(rates, actions, (clocks, all) => {
        const stage = new Stage(clocks);
        for (const action of all) stage.run(action);
        held += stage.held;
      }),
      runs(143, 800),
    );
    expect(held).toBeGreaterThan(100);
  },
  patienceMs,
);

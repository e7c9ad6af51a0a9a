import type {
  Effect,
  Input,
  Membership,
  Protocol,
  ReplicaView,
  Role,
  Slot,
} from '@rsl/core/protocol';

/** What a learner sees of the others' logs. */
export interface Logs {
  /** Decided, as far as anybody reachable knows. */
  readonly decidedThrough: Slot;
  /** The last slot that can be learned from `need` on; undefined if nobody keeps `need`. */
  through(need: Slot): Slot | undefined;
}

const behindMs = 200;
const slotsPerTick = 50;
const ballot = { configuration: 1, round: 1, proposer: 1 };

/** A protocol that only learns: what a snapshot layer sees of one, and what it was given. */
export class FakeInner implements Protocol {
  readonly inputs: Input[] = [];
  role: Role = 'follower';
  released: Slot;
  firstSlot: Slot = 1;
  isIdle = true;
  valueBytes = 100;
  #membership: Membership;
  readonly #logs: () => Logs;
  #behindMs = -Infinity;

  constructor(membership: Membership, released: Slot, logs: () => Logs) {
    this.#membership = membership;
    this.released = released;
    this.firstSlot = released + 1;
    this.#logs = logs;
  }

  get view(): ReplicaView {
    return {
      role: this.role,
      ballot,
      promised: ballot,
      voter: true,
      leader: { id: 1, ballot },
      membership: this.#membership,
      firstSlot: this.firstSlot,
      releasedThrough: this.released,
      executedThrough: this.released,
      proposedThrough: 0,
      room: this.role === 'phase2' ? 10 : 0,
    };
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    this.inputs.push(input);
    switch (input.kind) {
      case 'tick':
        return this.#learn(nowMs);
      case 'snapshot-installed':
        if (input.slot <= this.released) return [];
        this.released = input.slot;
        this.firstSlot = input.slot + 1;
        this.#membership = input.membership;
        return [];
      case 'truncate':
        if (input.before <= this.firstSlot || input.before > this.released + 1) return [];
        this.firstSlot = input.before;
        return [{ kind: 'truncate-log', before: input.before }];
      default:
        return [];
    }
  }

  /** The slots after what was released are decided: so many of them. */
  decide(count: number): Effect[] {
    const effects: Effect[] = [];
    const membership = this.#membership;
    const value = { bytes: new Uint8Array(this.valueBytes), checksum: 0 };
    for (let i = 0; i < count; i += 1) {
      this.released += 1;
      effects.push({ kind: 'execute', slot: this.released, value, membership });
    }
    return effects;
  }

  #learn(nowMs: number): Effect[] {
    const logs = this.#logs();
    const need = this.released + 1;
    if (this.role === 'phase2' || logs.decidedThrough < need) return [];
    const through = logs.through(need);
    if (through !== undefined) return this.decide(Math.min(slotsPerTick, through - this.released));
    if (nowMs - this.#behindMs < behindMs) return [];
    this.#behindMs = nowMs;
    return [{ kind: 'behind', need, peer: 1 }];
  }
}

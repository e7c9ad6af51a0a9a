import type { ReplicaId } from '../../paxos/membership.ts';
import type { Field } from './field.ts';
import type { NetworkFaults } from './network-faults.ts';

interface Deposed {
  readonly id: ReplicaId;
  readonly atMs: number;
  readonly deafAfterMs: number;
}

const lastsMs = 3_000;
const percent = [0, 5, 10, 30] as const;

/**
 * A leader is cut off, first one way; as soon as its heir leads, that dies and the old one is back,
 * with whatever it has voted for alone.
 */
export class Successions {
  readonly #field: Field;
  readonly #network: NetworkFaults;
  #deposed: Deposed | undefined;
  #nextAtMs = 0;

  constructor(field: Field, network: NetworkFaults) {
    this.#field = field;
    this.#network = network;
  }

  /** More often than other faults: an heir must not live long. */
  tick(): void {
    const { isStormy, mix, random, world } = this.#field;
    if (!isStormy || mix.succession === 0) return;
    const { nowMs } = world;
    if (this.#deposed === undefined) {
      const [leader] = this.#field.leaders();
      if (leader === undefined || nowMs < this.#nextAtMs) return;
      if (!random.chance(percent[mix.succession])) return;
      this.#field.count('succession', leader.id);
      this.#deposed = { id: leader.id, atMs: nowMs, deafAfterMs: 20 + random.below(100) };
      this.#network.cutOff(leader.id, lastsMs, 'out');
      return;
    }
    this.#goOn(this.#deposed, nowMs);
  }

  heal(): void {
    this.#deposed = undefined;
  }

  #goOn({ id, atMs, deafAfterMs }: Deposed, nowMs: number): void {
    const { random } = this.#field;
    const leftMs = atMs + lastsMs - nowMs;
    if (nowMs - atMs > deafAfterMs && leftMs > 0) this.#network.cutOff(id, leftMs, 'in');
    const heir = this.#field.leaders().find((process) => process.id !== id);
    if (heir === undefined ? leftMs > 0 : random.chance(70)) return;
    if (heir !== undefined) this.#field.crash(heir, 300 + random.below(1_000), random.below(3));
    this.#network.join();
    this.#deposed = undefined;
    this.#nextAtMs = nowMs + 300 + random.below(1_500);
  }
}

import type { MemoryNetwork } from '../memory-transport.ts';
import type { FaultKind, Mix } from '../mix.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Clocks } from '../sim-draws.ts';
import type { SimProcess } from '../sim-process.ts';
import type { SimWorld } from '../sim-world.ts';
import type { LossAccount } from './loss-account.ts';

/** How often `happens` is asked while faults are on. */
export const faultIntervalMs = 50;

/** Out of a thousand times, by level. */
const perMille = [0, 3, 10, 30] as const;

export interface FieldOptions {
  readonly world: SimWorld;
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly mix: Mix;
  readonly clocks: Clocks;
  readonly account: LossAccount;
  readonly processes: readonly SimProcess[];
  /** Part of the trace. */
  readonly note: (what: string) => void;
}

/** What the kinds of faults share: where they happen, chance, and the count of them. */
export class Field {
  readonly world: SimWorld;
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly mix: Mix;
  readonly clocks: Clocks;
  readonly account: LossAccount;
  readonly processes: readonly SimProcess[];
  readonly counts: Record<string, number> = {};
  readonly #note: (what: string) => void;
  /** Of its own: what is drawn for shelves changes nothing else. */
  readonly #shelfChance: (below: number) => number;
  /** False in good weather: nothing new happens. */
  isStormy = false;

  constructor(options: FieldOptions) {
    this.world = options.world;
    this.network = options.network;
    this.random = options.random;
    this.mix = options.mix;
    this.clocks = options.clocks;
    this.account = options.account;
    this.processes = options.processes;
    this.#note = options.note;
    const shelves = options.random.fork('shelves at a crash');
    this.#shelfChance = (below) => shelves.below(below);
  }

  /** True if such a fault begins in this interval. */
  happens(kind: FaultKind, random = this.random): boolean {
    if (!this.isStormy || this.mix[kind] === 0) return false;
    return random.below(1_000) < perMille[this.mix[kind]];
  }

  count(kind: FaultKind, who: number): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.#note(`${kind} ${who} ${this.world.nowMs}`);
  }

  /** Leaders more often than others: whoever decides has the most to lose. */
  victim(): SimProcess {
    const leaders = this.leaders();
    if (leaders.length > 0 && this.random.chance(50)) return this.random.pick(leaders);
    return this.random.pick(this.processes);
  }

  leaders(): readonly SimProcess[] {
    return this.processes.filter((process) => process.leads);
  }

  /** It dies now, and comes back. */
  crash(process: SimProcess, downMs: number, survivors = this.random.below(3)): void {
    if (!process.isUp) return;
    process.kill(survivors, this.#shelfChance);
    this.startLater(process, downMs);
  }

  /** Whoever looks after the machines starts what does not run. */
  startLater(process: SimProcess, delayMs: number): void {
    this.world.later(delayMs, () => {
      if (!process.isUp) process.start();
    });
  }
}

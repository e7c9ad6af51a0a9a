import type { Field } from './faults/field.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface NightOptions {
  readonly field: Field;
  readonly random: SeededRandom;
  /** 0: nobody ever sleeps. */
  readonly sleepAfterMs: number;
  /** Whether clients begin anything. */
  readonly hush: (isQuiet: boolean) => void;
  readonly advance: (forMs: number) => Promise<void>;
}

/**
 * Nobody wants anything for a while, and the group may fall asleep; then something goes wrong, or
 * nothing does. When clients come back, all must be as it was.
 */
export class Night {
  readonly #options: NightOptions;
  /** How often a replica was found asleep. */
  sleepers = 0;

  constructor(options: NightOptions) {
    this.#options = options;
  }

  /** True if there was one; it may end in a storm. */
  async pass(): Promise<boolean> {
    const { advance, hush, random, sleepAfterMs } = this.#options;
    if (sleepAfterMs === 0) return false;
    hush(true);
    await advance(2 * sleepAfterMs + random.below(3_000));
    this.#count();
    this.#disturb();
    await advance(random.pick([0, 100, 1_000, 5_000]));
    this.#count();
    hush(false);
    return true;
  }

  #count(): void {
    const { processes } = this.#options.field;
    this.sleepers += processes.filter(({ replica }) => replica?.status().asleep === true).length;
  }

  #disturb(): void {
    const { field, random } = this.#options;
    const downMs = random.pick([1, 500, 10_000]);
    const [leader] = field.leaders();
    switch (random.pick(['leader', 'anybody', 'storm', 'nothing'])) {
      case 'leader':
        if (leader !== undefined) field.crash(leader, downMs);
        return;
      case 'anybody':
        return field.crash(random.pick(field.processes), downMs);
      case 'storm':
        field.isStormy = true;
        return;
      default:
        return;
    }
  }
}

import type { Field } from './faults/field.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface NightOptions {
  readonly field: Field;
  readonly random: SeededRandom;
  /** 0: nobody ever sleeps. */
  readonly sleepAfterMs: number;
  /** They begin nothing while they are told to be quiet. */
  readonly clients: readonly { isQuiet: boolean }[];
  readonly advance: (forMs: number) => Promise<void>;
  /** Nothing ever goes wrong. */
  readonly isCalm: boolean;
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
    const { advance, clients, random, sleepAfterMs } = this.#options;
    if (sleepAfterMs === 0) return false;
    for (const each of clients) each.isQuiet = true;
    await advance(2 * sleepAfterMs + random.below(3_000));
    this.#count();
    this.#disturb();
    await advance(random.pick([0, 100, 1_000, 5_000]));
    this.#count();
    for (const each of clients) each.isQuiet = false;
    return true;
  }

  #count(): void {
    const { processes } = this.#options.field;
    this.sleepers += processes.filter(({ replica }) => replica?.status().asleep === true).length;
  }

  #disturb(): void {
    const { field, isCalm, random } = this.#options;
    if (isCalm) return;
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

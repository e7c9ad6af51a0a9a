import type { EffectName, SimProcess } from '../sim-process.ts';
import type { Field } from './field.ts';

/** What happens to processes and to their clocks. */
export class ProcessFaults {
  readonly #field: Field;

  constructor(field: Field) {
    this.#field = field;
  }

  tick(): void {
    const field = this.#field;
    const { random, processes } = field;
    if (field.happens('crash')) this.#crash(field.victim());
    if (field.happens('power')) {
      field.count('power', 0);
      for (const each of processes) field.crash(each, 20 + random.below(500));
    }
    if (field.happens('restart')) this.#restart(field.victim());
    if (field.happens('pause')) {
      const victim = field.victim();
      field.count('pause', victim.id);
      victim.pause(50 + random.below(1_500));
    }
    if (field.happens('clockRate')) {
      const victim = field.victim();
      field.count('clockRate', victim.id);
      victim.machineClock.rate = random.pick(field.clocks.changedRates);
    }
    if (field.happens('clockJump')) this.#jump(field.victim());
  }

  /** Called before each effect: here a process may end, or block. */
  effect(process: SimProcess, effect: EffectName): void {
    const { random, mix, isStormy } = this.#field;
    if (!isStormy || !process.isUp) return;
    if (mix.midTurn > 0 && random.below(10_000) < mix.midTurn * mix.midTurn) {
      this.#field.count('midTurn', process.id);
      this.#field.crash(process, 1 + random.below(random.pick([30, 800])));
    } else if (effect === 'execute' && mix.block > 0 && random.below(1_000) < 2 * mix.block) {
      this.#field.count('block', process.id);
      process.pause(process.waitsMs + 20 + random.below(random.pick([100, 1_000])));
    }
  }

  heal(): void {
    for (const process of this.#field.processes) process.resume();
  }

  #crash(victim: SimProcess): void {
    if (!victim.isUp) return;
    this.#field.count('crash', victim.id);
    this.#field.crash(victim, 20 + this.#field.random.below(2_000));
  }

  #restart(victim: SimProcess): void {
    if (victim.replica === undefined) return;
    this.#field.count('restart', victim.id);
    void victim.close();
  }

  /**
   * Where leases are on a monotonic clock goes on as it must, and a machine that is suspended
   * stands still. A calendar that is set back within that time would hide it, which no replica can
   * find out: so neither happens to whoever waits, and has not looked at its clocks since.
   */
  #jump(victim: SimProcess): void {
    const { clocks, random } = this.#field;
    const { id, machineClock, waitsMs } = victim;
    const isLeased = clocks.lease !== undefined;
    if (isLeased && waitsMs > 0) return;
    this.#field.count('clockJump', id);
    if (random.chance(50)) {
      if (isLeased) return victim.suspend(random.below(random.pick([30, 1_000, 10_000])));
      machineClock.jump(random.below(random.pick([100, 2_000, 60_000])));
    } else machineClock.wallAheadMs = random.below(7_200_000) - 3_600_000;
  }
}

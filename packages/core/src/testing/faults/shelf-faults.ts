import { StorageError } from '../../errors.ts';
import type { Slot } from '../../paxos/slot.ts';
import type { MemoryShelf } from '../memory-shelf.ts';
import type { FaultKind } from '../mix.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Field } from './field.ts';

const slowPercent = [0, 2, 8, 25] as const;
const midSavePercent = [0, 1, 2, 5] as const;

/**
 * What happens to snapshots. It draws from numbers of its own, and does nothing where nobody keeps
 * snapshots: so these faults change no seed that has none.
 */
export class ShelfFaults {
  readonly #field: Field;
  readonly #random: SeededRandom;
  readonly #stalledUntilMs = new Map<MemoryShelf, number>();

  constructor(field: Field) {
    this.#field = field;
    this.#random = field.random.fork('shelves');
  }

  tick(): void {
    const faults: readonly [FaultKind, (victim: SimProcess) => void][] = [
      ['shelfRot', (victim) => this.#rot(victim)],
      ['shelfLost', (victim) => this.#lose(victim)],
      ['shelfFull', (victim) => this.#fill(victim)],
      ['shelfFailure', (victim) => this.#fail(victim)],
      ['shelfReadError', (victim) => this.#failReads(victim)],
      ['shelfStall', (victim) => this.#stall(victim)],
    ];
    for (const [kind, inject] of faults) {
      if (!this.#field.happens(kind, this.#random)) continue;
      const victim = this.#victim();
      if (victim.shelf.isUsed) inject(victim);
    }
    const { mix, processes } = this.#field;
    for (const process of processes) {
      const { id, shelf } = process;
      if (mix.slowShelf > 0) shelf.slowMs = () => this.#slowMs(id, shelf);
      if (mix.midSave > 0) shelf.onCommit = () => this.#onCommit(process);
    }
  }

  heal(): void {
    this.#stalledUntilMs.clear();
    for (const { shelf } of this.#field.processes) {
      shelf.failure = undefined;
      shelf.readFailure = undefined;
      shelf.bytesFree = Infinity;
      shelf.slowMs = () => 0;
      shelf.onCommit = () => {};
    }
  }

  /** Whoever gives a snapshot to a peer more often than others. */
  #victim(): SimProcess {
    const { processes } = this.#field;
    const givers = processes.filter(({ shelf }) => shelf.reading.length > 0);
    return this.#random.pick(givers.length > 0 && this.#random.chance(70) ? givers : processes);
  }

  #onCommit(process: SimProcess): void {
    const { starts } = process;
    if (!this.#random.chance(midSavePercent[this.#field.mix.midSave])) return;
    this.#later(this.#random.below(100) / 100, () => {
      if (process.starts !== starts || !process.isUp) return;
      this.#field.count('midSave', process.id);
      this.#field.crash(process, 1 + this.#random.below(1_000));
    });
  }

  /**
   * Found out when it is read: for a peer, or at a start. One that is good stays for whoever has
   * cut its log: what is left without any is `shelfLost`.
   */
  #rot(victim: SimProcess): void {
    const random = this.#random;
    const { disk, id, shelf } = victim;
    const slots = [...shelf.snapshots.keys()].sort((a, b) => b - a);
    const [newest] = slots;
    if (newest === undefined) return;
    const isGiven = (slot: Slot): boolean => shelf.reading.includes(slot);
    const slot = slots.find(isGiven) ?? (random.chance(60) ? newest : random.pick(slots));
    const others = shelf.soundSlots.filter((each) => each !== slot);
    if (!covers(others, disk.firstSlot)) return;
    this.#field.count('shelfRot', id);
    victim.excuses.add('RSL_LOAD_FAILED');
    shelf.damage(slot, random.below(2 ** 20));
    if (isGiven(slot) || random.chance(50)) return;
    this.#field.crash(victim, 20 + random.below(1_000));
  }

  /** Of a minority, like all that takes away what was durable: the others give what it lost. */
  #lose(victim: SimProcess): void {
    const { disk, id, shelf } = victim;
    const { account } = this.#field;
    if (disk.firstSlot === 1 || !account.mayLose(id)) return;
    account.lose(id);
    this.#field.count('shelfLost', id);
    victim.excuses.add('RSL_LOAD_FAILED');
    shelf.isLost = true;
    for (const slot of shelf.soundSlots) shelf.damage(slot, this.#random.below(2 ** 20));
    this.#field.crash(victim, 20 + this.#random.below(1_000));
  }

  #fill({ id, shelf }: SimProcess): void {
    const random = this.#random;
    this.#field.count('shelfFull', id);
    shelf.bytesFree = random.below(random.pick([1, 200, 5_000]));
    this.#later(100 + random.below(4_000), () => {
      shelf.bytesFree = Infinity;
    });
  }

  #fail({ id, shelf }: SimProcess): void {
    const random = this.#random;
    this.#field.count('shelfFailure', id);
    shelf.failure = new StorageError('RSL_STORAGE_FAILED', 'the simulator says so of a shelf');
    shelf.survivesFailure = random.chance(50);
    this.#later(50 + random.below(2_000), () => {
      shelf.failure = undefined;
    });
  }

  #failReads(victim: SimProcess): void {
    const { excuses, id, shelf } = victim;
    this.#field.count('shelfReadError', id);
    excuses.add('RSL_STORAGE_FAILED').add('RSL_LOAD_FAILED');
    shelf.readFailure = new StorageError('RSL_STORAGE_FAILED', 'this shelf cannot be read');
    this.#later(50 + this.#random.below(3_000), () => {
      shelf.readFailure = undefined;
    });
  }

  #stall({ id, shelf }: SimProcess): void {
    this.#field.count('shelfStall', id);
    this.#stalledUntilMs.set(shelf, this.#field.world.nowMs + 100 + this.#random.below(5_000));
    shelf.slowMs = () => this.#slowMs(id, shelf);
  }

  #slowMs(id: number, shelf: MemoryShelf): number {
    const { mix, world } = this.#field;
    const stalledMs = (this.#stalledUntilMs.get(shelf) ?? 0) - world.nowMs;
    if (stalledMs > 0) return stalledMs;
    if (!this.#random.chance(slowPercent[mix.slowShelf])) return 0;
    this.#field.count('slowShelf', id);
    return this.#random.below(300);
  }

  #later(delayMs: number, run: () => void): void {
    this.#field.world.later(delayMs, run);
  }
}

/** There is a snapshot behind which the log goes on, or the log has everything. */
export const covers = (snapshots: readonly Slot[], firstSlot: Slot): boolean =>
  firstSlot === 1 || snapshots.some((slot) => slot >= firstSlot - 1);

import { StorageError } from '../../errors.ts';
import type { ReplicaId } from '../../paxos/membership.ts';
import { MemoryDisk } from '../memory-disk.ts';
import { MemoryShelf } from '../memory-shelf.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Field } from './field.ts';
import { ShelfFaults } from './shelf-faults.ts';

const slowPercent = [0, 1, 4, 12] as const;

/** What happens to media. */
export class DiskFaults {
  readonly #field: Field;
  readonly #stalledUntilMs = new Map<ReplicaId, number>();
  readonly #copies = new Map<ReplicaId, { disk: MemoryDisk; shelf: MemoryShelf }>();
  readonly #replaced: (process: SimProcess) => void;
  readonly #shelves: ShelfFaults;

  /** `replaced` is told whenever a process gets another disk. */
  constructor(field: Field, replaced: (process: SimProcess) => void) {
    this.#field = field;
    this.#replaced = replaced;
    this.#shelves = new ShelfFaults(field);
  }

  /** How long a write that begins now takes. */
  writeMs(process: SimProcess): number {
    const { random, mix, world, isStormy } = this.#field;
    if (!isStormy) return process.waitsMs + 0.2;
    const stalledMs = (this.#stalledUntilMs.get(process.id) ?? 0) - world.nowMs;
    if (stalledMs > 0) return stalledMs;
    if (random.chance(slowPercent[mix.slowDisk])) {
      this.#field.count('slowDisk', process.id);
      return process.waitsMs + random.below(800);
    }
    return process.waitsMs + 0.1 + random.below(20) / 10;
  }

  tick(): void {
    const field = this.#field;
    const { random, world } = field;
    if (field.happens('stall')) {
      const { id } = field.victim();
      field.count('stall', id);
      this.#stalledUntilMs.set(id, world.nowMs + 100 + random.below(3_000));
    }
    if (field.happens('writeFailure')) this.#fail(field.victim());
    if (field.happens('full')) this.#fill(field.victim());
    if (field.happens('lowRoom')) this.#lowRoom(field.victim());
    if (field.happens('readError')) this.#readErrors(field.victim());
    if (field.happens('damage')) this.#damage(field.victim());
    if (field.happens('wipe')) this.#wipe(field.victim());
    if (field.happens('oldCopy')) this.#copy(field.victim());
    this.#shelves.tick();
  }

  heal(): void {
    this.#stalledUntilMs.clear();
    for (const process of this.#field.processes) this.#repair(process);
    this.#shelves.heal();
  }

  /** The next write fails, and so does everything after it; whoever looks after it mends it. */
  #fail(victim: SimProcess): void {
    const { random, world } = this.#field;
    const { disk } = victim;
    this.#field.count('writeFailure', victim.id);
    victim.excuses.add('RSL_STORAGE_FAILED');
    disk.survivorsOfFailure = random.below(3);
    disk.failure = new StorageError('RSL_STORAGE_FAILED', 'the simulator says so');
    world.later(100 + random.below(500), () => {
      disk.failure = undefined;
    });
  }

  /** Nothing fits until somebody makes room; who is started meanwhile cannot write its start. */
  #fill(victim: SimProcess): void {
    const { random, world } = this.#field;
    const { disk } = victim;
    this.#field.count('full', victim.id);
    victim.excuses.add('RSL_STORAGE_FULL');
    disk.isFull = true;
    world.later(100 + random.below(3_000), () => {
      disk.isFull = false;
    });
  }

  /** So little that leaders must refuse what is new, and so long that they have to give way. */
  #lowRoom(victim: SimProcess): void {
    const { random, world } = this.#field;
    const { disk } = victim;
    this.#field.count('lowRoom', victim.id);
    disk.bytesFree = random.below(random.pick([1, 100_000, 300_000_000]));
    world.later(100 + random.below(5_000), () => {
      disk.bytesFree = Number.MAX_SAFE_INTEGER;
    });
  }

  #readErrors(victim: SimProcess): void {
    const { random, world } = this.#field;
    const { disk } = victim;
    const every = random.pick([1, 7, 50]);
    this.#field.count('readError', victim.id);
    victim.excuses.add('RSL_LOG_CORRUPT');
    disk.isUnreadable = (slot) => slot % every === 0;
    world.later(500 + random.below(4_000), () => {
      disk.isUnreadable = () => false;
    });
  }

  /** A few of the last values are lost; it is found out at the next start. */
  #damage(victim: SimProcess): void {
    const { account, random } = this.#field;
    const { disk, id } = victim;
    if (!account.mayLose(id) || account.isWiped(id) || disk.lastSlot === 0) return;
    account.lose(id);
    this.#field.count('damage', id);
    victim.kill(random.below(2));
    for (const slot of undecidedOf(disk)) if (random.chance(40)) disk.damage(slot);
    const first = random.chance(50) ? disk.lastSlot : disk.lastSlot - random.below(60);
    for (let slot = Math.max(1, first); slot < disk.lastSlot; slot += 1) {
      if (random.chance(10)) disk.damage(slot);
    }
    this.#field.startLater(victim, 20 + random.below(2_000));
  }

  #wipe(victim: SimProcess): void {
    const { account, random } = this.#field;
    if (!account.mayLose(victim.id)) return;
    account.wipe(victim.id);
    this.#field.count('wipe', victim.id);
    victim.kill();
    victim.disk = new MemoryDisk();
    victim.shelf = new MemoryShelf();
    this.#replaced(victim);
    this.#field.startLater(victim, 20 + random.below(2_000));
  }

  /** A copy of a medium is made; it may come back in a calm. */
  #copy({ disk, id, shelf }: SimProcess): void {
    const { account } = this.#field;
    if (!account.mayLose(id) || account.isWiped(id)) return;
    this.#copies.set(id, { disk: disk.copy(), shelf: shelf.copy() });
  }

  /**
   * One of the copies takes the place of its medium (S2a). For a calm in which all others have
   * been told where that store stands: in a storm nobody may be left who can contradict.
   */
  putBack(): SimProcess | undefined {
    const { account, processes, random } = this.#field;
    for (const [id, copy] of this.#copies) {
      this.#copies.delete(id);
      const victim = processes.find((process) => process.id === id);
      if (victim === undefined || !account.mayLose(id) || account.isWiped(id)) continue;
      const { disk, shelf } = copy;
      if (disk.store !== victim.disk.store || disk.position === victim.disk.position) continue;
      account.lose(id);
      this.#field.count('oldCopy', id);
      victim.excuses.add('RSL_OLD_COPY');
      victim.kill();
      victim.disk = disk;
      victim.shelf = shelf;
      // What ailed the medium while it was copied is over.
      this.#repair(victim);
      this.#replaced(victim);
      this.#field.startLater(victim, 20 + random.below(2_000));
      return victim;
    }
    return undefined;
  }

  #repair({ disk }: SimProcess): void {
    disk.failure = undefined;
    disk.isFull = false;
    disk.isUnreadable = () => false;
    disk.bytesFree = Number.MAX_SAFE_INTEGER;
  }
}

/** Slots whose newest record is a vote that the log does not prove to be decided. */
function undecidedOf(disk: MemoryDisk): number[] {
  let through = 0;
  for (const record of disk.records) {
    if (record.kind === 'decided-through') through = Math.max(through, record.slot);
  }
  const voted = [...disk.values.values()].filter(({ ballot }) => ballot !== undefined);
  return voted.map(({ slot }) => slot).filter((slot) => slot > through);
}

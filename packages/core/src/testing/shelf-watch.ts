import type { Slot } from '../paxos/slot.ts';
import { check } from './checkers/check-failed.ts';
import { covers } from './faults/shelf-faults.ts';
import type { SimProcess } from './sim-process.ts';
import type { OnState, SeenState } from './witness.ts';

/** What became of snapshots in one seed. */
export interface SnapshotCounts {
  readonly saves: number;
  /** Copies of peers’ snapshots that became snapshots here. */
  readonly fetches: number;
  /** Loaded by a replica that ran. */
  readonly installs: number;
  /** Loaded at a start. */
  readonly loads: number;
  readonly cuts: number;
  readonly condemned: number;
  /** What was met by whom: `rot at a start`, `full in a copy`. */
  readonly met: Readonly<Record<string, number>>;
}

/**
 * Sees what happens to snapshots: a log and the snapshots beside it leave no hole, what is loaded
 * is what some replica’s state was, and a bounded number of them stays.
 */
export class ShelfWatch {
  readonly counts = {
    saves: 0,
    fetches: 0,
    installs: 0,
    loads: 0,
    cuts: 0,
    condemned: 0,
    met: {} as Record<string, number>,
  };
  /** Of every state that was saved: what the state machine gave. */
  readonly #saved = new Map<string, number>();

  /** Its medium is another one now, or the first one. */
  onMedium(process: SimProcess, guarded: (run: () => void) => void): void {
    const { disk, shelf } = process;
    disk.onCut = (before) => guarded(() => this.#onCut(process, before));
    process.onState = this.#onStateOf(process, guarded);
    shelf.on = {
      committed: (how) => guarded(() => this.#onCommitted(process, how)),
      going: (slots, why) => guarded(() => this.#onGoing(process, slots, why)),
      met: (ailment, work) => {
        const isStarting = work === 'read' && process.replica === undefined;
        this.#count(`${ailment} in a ${isStarting ? 'start' : work}`);
      },
    };
  }

  #count(what: string): void {
    const { met } = this.counts;
    met[what] = (met[what] ?? 0) + 1;
  }

  #onStateOf(process: SimProcess, guarded: (run: () => void) => void): OnState {
    return (what, seen) =>
      guarded(() => {
        if (what === 'saved') return this.#onSaved(process.id, seen);
        if (process.replica === undefined) this.counts.loads += 1;
        else this.counts.installs += 1;
        check(this.#saved.get(keyOf(seen)) === seen.state, () => {
          return `replica ${process.id} loads a state that nobody had after slot ${seen.slot}`;
        });
      });
  }

  /** Replicas that have executed the same save the same (P7). */
  #onSaved(id: number, seen: SeenState): void {
    const known = this.#saved.get(keyOf(seen)) ?? seen.state;
    check(known === seen.state, () => {
      return `the state that replica ${id} saves after slot ${seen.slot} differs (P7)`;
    });
    this.#saved.set(keyOf(seen), seen.state);
  }

  #onCommitted({ id, shelf }: SimProcess, how: 'copy' | 'save'): void {
    if (how === 'copy') this.counts.fetches += 1;
    else this.counts.saves += 1;
    shelf.isLost = false;
    const { size } = shelf.snapshots;
    const max = shelf.snapshotsMax + shelf.undiscarded + newOnesMax;
    check(size <= max, () => `replica ${id} has ${size} snapshots, beyond ${max}`);
  }

  /** What the log forgets, a durable snapshot has (R8). */
  #onCut(process: SimProcess, before: Slot): void {
    const { disk, id, shelf } = process;
    if (before > disk.firstSlot) this.counts.cuts += 1;
    const covered = Math.max(0, ...shelf.snapshots.keys());
    check(before <= covered + 1, () => {
      return `replica ${id} cuts its log before ${before}, and has a snapshot of ${covered}`;
    });
    spare(process, shelf.soundSlots, Math.max(before, disk.firstSlot));
  }

  #onGoing(process: SimProcess, slots: readonly Slot[], why: 'condemned' | 'discarded'): void {
    const { disk, id, shelf } = process;
    if (why === 'condemned') this.counts.condemned += 1;
    const others = [...shelf.snapshots.keys()].filter((slot) => !slots.includes(slot));
    const isHole = !covers(others, disk.firstSlot) && !shelf.isLost;
    check(!isHole || slots.every((slot) => !shelf.soundSlots.includes(slot)), () => {
      const log = `its log begins at ${disk.firstSlot}`;
      return `replica ${id} gives its snapshots of ${slots.join()} up (${why}), and ${log} (S6)`;
    });
    const sound = shelf.soundSlots.filter((slot) => !slots.includes(slot));
    spare(process, sound, disk.firstSlot);
  }
}

/**
 * The last good snapshot is never lost: a newer one, which was thought to be good, is so again.
 * Which replicas may lose all is accounted for: see `shelfLost`.
 */
function spare({ shelf }: SimProcess, sound: readonly Slot[], firstSlot: Slot): void {
  if (shelf.isLost || covers(sound, firstSlot)) return;
  shelf.mend(Math.max(0, ...shelf.snapshots.keys()));
}

/** One that was saved and one that was copied, before older ones make room for both. */
const newOnesMax = 2;

const keyOf = ({ digest, slot }: SeenState): string => `${slot} ${digest}`;

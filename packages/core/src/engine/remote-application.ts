import { requires } from '@rsl/contracts';
import type { ReplicaEvents } from '../api.ts';
import type { RslError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Application, Progress } from '../host/halves.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { ReadId } from '../paxos/input.ts';
import type { LayerOrder } from '../ports/layer.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import { readNumber, readProgress, readSegment } from './records.ts';
import type { RingReader } from './ring.ts';
import type { SlotFeed } from './slot-feed.ts';
import { Staged } from './staged.ts';
import {
  forgetRecord,
  type Happening,
  progressRecord,
  readRecord,
  segmentRecord,
} from './words.ts';

export interface RemoteApplicationOptions {
  readonly epoch: number;
  readonly commands: RingReader;
  readonly staged: SharedArrayBuffer;
  readonly feed: () => SlotFeed;
  readonly happened: (happening: Happening) => void;
  readonly ready: (reads: readonly ReadId[]) => void;
  /** A layer may load a state. */
  readonly isLayered: boolean;
  readonly ordered: (channel: number, order: LayerOrder) => void;
  readonly installed: (slot: Slot) => void;
  /** The engine's turn is over. */
  readonly turnEnded: () => void;
  readonly stopped: (failure: RslError | undefined) => void;
}

/** The application, as its engine sees it from another thread. */
export class RemoteApplication implements Application {
  readonly #options: RemoteApplicationOptions;
  readonly commands: Staged;
  readonly progress: Mutable<Progress> = {
    executedThrough: 0,
    timeMs: 0,
    sealedIn: { configuration: 0, round: 0, proposer: 0 },
    wakeAtMs: undefined,
    sessions: { endsInMs: undefined },
  };
  /** What waits there is not known here; with a thread of its own, a group does not sleep. */
  readonly isIdle = false;
  /** Reads that the application asked for, and the engine has not yet. */
  #reads: ReadId[] = [];
  /** Reads of the engine, each for some of the application's. */
  readonly #asked = new Map<ReadId, ReadId[]>();
  #read: ReadId = 0;

  constructor(options: RemoteApplicationOptions) {
    this.#options = options;
    this.commands = new Staged(options.epoch, options.staged);
  }

  readonly leading = {
    begin: (ballot: Ballot) => this.#options.happened({ kind: 'leading', ballot }),
    recover: (ballot: Ballot) => this.#options.happened({ kind: 'recovered', ballot }),
    end: () => this.#options.happened({ kind: 'ended' }),
  };

  readonly emit: Emit = (event, what) => {
    if (event === 'following' || event === 'configuration' || event === 'peer') {
      const happening = { kind: event, what: what as ReplicaEvents[typeof event] };
      this.#options.happened(happening as Happening);
    }
  };

  /** Takes in all that the application has sent; true if that was anything. */
  takeIn(): boolean {
    const { commands } = this.#options;
    let count = 0;
    do {
      while (commands.read((kind, bytes) => this.#take(kind, bytes))) count += 1;
    } while (!commands.sleep());
    return count > 0;
  }

  execute(slot: Slot, value: Value): void {
    this.#options.feed().release(slot, value);
  }

  order(channel: number, order: LayerOrder): void {
    this.#options.ordered(channel, order);
  }

  installed(slot: Slot): void {
    this.#options.feed().jump(slot);
    this.progress.executedThrough = Math.max(this.progress.executedThrough, slot);
    this.#options.installed(slot);
  }

  /** Those that came since the last call are one read. */
  takeRead(): ReadId | undefined {
    if (this.#reads.length === 0) return undefined;
    this.#read += 1;
    this.#asked.set(this.#read, this.#reads);
    this.#reads = [];
    return this.#read;
  }

  readReady(read: ReadId): void {
    const reads = this.#asked.get(read);
    this.#asked.delete(read);
    if (reads !== undefined && reads.length > 0) this.#options.ready(reads);
  }

  /** The application has looked at its callers' deadlines by itself. */
  expire(): readonly ReadId[] {
    const forgotten: ReadId[] = [];
    for (const [read, reads] of this.#asked) {
      if (reads.length > 0) continue;
      this.#asked.delete(read);
      forgotten.push(read);
    }
    return forgotten;
  }

  turnEnds(): void {
    this.#options.turnEnded();
  }

  close(failure: RslError | undefined): void {
    this.#options.stopped(failure);
  }

  #take(kind: number, bytes: Uint8Array): void {
    switch (kind) {
      case segmentRecord: {
        const { ballot, segment } = readSegment(bytes);
        return this.commands.add(ballot, segment);
      }
      case progressRecord:
        return this.#onProgress(readProgress(bytes));
      case readRecord:
        this.#reads.push(readNumber(bytes));
        return;
      case forgetRecord:
        return this.#forget(readNumber(bytes));
      default:
        throw new RangeError(`no record is of kind ${kind}`);
    }
  }

  #onProgress(progress: Progress): void {
    const before = this.progress.executedThrough;
    const { feed, isLayered } = this.#options;
    const { sentThrough } = feed();
    requires(
      () => progress.executedThrough >= before,
      'remote-1 what is executed stays executed (P7)',
    );
    requires(
      () => progress.executedThrough <= sentThrough,
      'remote-2 only what was sent is executed, or what a layer has loaded (P7)',
      () => !isLayered,
    );
    // A state that was loaded may be told of here first; `installed` is when it counts.
    const executedThrough = Math.min(progress.executedThrough, sentThrough);
    Object.assign(this.progress, progress, { executedThrough });
  }

  #forget(read: ReadId): void {
    this.#reads = this.#reads.filter((r) => r !== read);
    for (const [asked, reads] of this.#asked)
      this.#asked.set(
        asked,
        reads.filter((r) => r !== read),
      );
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

import type { Limits } from '../limits.ts';
import type { LocalApplication } from '../host/local-application.ts';
import type { ReadId } from '../paxos/input.ts';
import type { Slot } from '../paxos/slot.ts';
import type { BoardReader } from './board.ts';
import { writeNumber, writeProgress, writeSegment } from './records.ts';
import type { RingWriter } from './ring.ts';
import type { StagingCredit } from './staged.ts';
import { forgetRecord, progressRecord, readRecord, segmentRecord } from './words.ts';

export interface CommandFeedOptions {
  readonly application: LocalApplication;
  readonly ring: RingWriter;
  readonly board: BoardReader;
  readonly credit: StagingCredit;
  readonly limits: Limits;
}

/**
 * What an application gives to its engine on another thread: how far it has come, its callers'
 * reads, and their commands. The commands are taken for the leader that the engine goes by now, no
 * more of them than it may hold; the rest waits here, where it can still be refused.
 */
export class CommandFeed {
  readonly #options: CommandFeedOptions;
  readonly #commandsMax: number;
  readonly #bytesMax: number;
  #toldThrough: Slot;
  #read: ReadId | undefined;
  #forgotten: ReadId[] = [];
  /** Taken, and not yet in the ring: they count as sent. */
  #segments: (readonly Uint8Array[])[] = [];

  /** The engine knows that `executedThrough` is executed, and nothing else. */
  constructor(options: CommandFeedOptions, executedThrough: Slot) {
    this.#options = options;
    this.#toldThrough = executedThrough;
    // Half a batch: a leader that has another replica's commands too takes so much of its own.
    this.#commandsMax = Math.max(1, Math.floor(options.limits.batchCommandsMax / 2));
    this.#bytesMax = Math.max(1, Math.floor(options.limits.batchBytesMax / 2));
  }

  /** Nobody waits for these any more. */
  forget(reads: readonly ReadId[]): void {
    this.#forgotten.push(...reads);
  }

  /** Gives what there is to give, as far as there is room; the next call gives the rest. */
  goOn(): void {
    // Also what is left of a large record: there may be nothing else to give.
    const { ring } = this.#options;
    if (ring.flush() && this.#tellProgress() && this.#ask()) this.#give();
  }

  #tellProgress(): boolean {
    const { application, ring } = this.#options;
    const { executedThrough } = application.progress;
    if (executedThrough === this.#toldThrough) return true;
    if (!ring.offer(progressRecord, writeProgress(application.progress))) return false;
    this.#toldThrough = executedThrough;
    return true;
  }

  #ask(): boolean {
    const { application, ring } = this.#options;
    this.#read ??= application.takeRead();
    if (this.#read !== undefined) {
      if (!ring.offer(readRecord, writeNumber(this.#read))) return false;
      this.#read = undefined;
    }
    for (const read of this.#forgotten.splice(0)) {
      if (!ring.offer(forgetRecord, writeNumber(read))) this.#forgotten.push(read);
    }
    return this.#forgotten.length === 0;
  }

  #give(): void {
    const { application, board, credit } = this.#options;
    const { commands, progress } = application;
    commands.requeueBelow(progress.sealedIn);
    while (this.#giveTaken() && commands.queuedCount > 0 && credit.left > 0) {
      const { ballot } = board.outlook();
      if (ballot === undefined) return;
      const bytesMax = Math.min(this.#bytesMax, credit.left);
      for (const segment of commands.takeSegments(ballot, this.#commandsMax, bytesMax)) {
        credit.take(segment.length);
        this.#segments.push(writeSegment(ballot, segment));
      }
    }
  }

  /** True once all that was taken is in the ring. */
  #giveTaken(): boolean {
    for (let next = this.#segments[0]; next !== undefined; next = this.#segments[0]) {
      if (!this.#options.ring.offer(segmentRecord, next)) return false;
      this.#segments.shift();
    }
    return true;
  }
}

/**
 * Group commit: one durable write in flight; what arrives meanwhile is gathered in the other half
 * of a double buffer and is the next write. What does not fit there waits in a queue.
 */
import { requires } from '@rsl/contracts';
import { type Clock, ClosedError, type RslError } from '@rsl/core';
import type { LogRecord, Random } from '@rsl/core/protocol';
import { segmentFile } from './directory.ts';
import { cannotGrow, groupBytesMax, tooMuch, writeFailed } from './failures.ts';
import type { Files } from './files.ts';
import type { LogState } from './log-state.ts';
import { roundUp } from './memory.ts';
import { blockBytes, type EncodedGroup, groupOf } from './record.ts';
import { Retirement } from './retirement.ts';
import { Segment, type SegmentHeader } from './segment.ts';
import type { SegmentPool } from './segment-pool.ts';
import { type Done, Staging } from './staging.ts';
import type { Writer } from './writer.ts';

export interface GroupSyncOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly writeBytesMax: number;
  readonly waitingBytesMax: number;
  readonly markAfterMs: number;
  /** False: gather what one turn appends before it is written. */
  readonly writeAtOnce: boolean;
}

export interface GroupSyncParts {
  readonly state: LogState;
  readonly files: Files;
  readonly writer: Writer;
  readonly pool: SegmentPool;
  readonly clock: Clock;
  readonly random: Random;
}

/** A barrier has no group. */
interface Waiting {
  readonly group: EncodedGroup | undefined;
  readonly done: Done | undefined;
}

export class GroupSync {
  readonly #options: GroupSyncOptions;
  readonly #parts: GroupSyncParts;
  readonly #state: LogState;
  #filling: Staging;
  #other: Staging;
  #inFlight: Staging | undefined;
  #switching = false;
  #scheduled = false;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #fd: number;
  #failure: RslError | undefined;
  /** What is durable is not yet said to be by a later group. */
  #unmarked: boolean;
  #stopMarkTimer: (() => void) | undefined;
  #drained: (() => void)[] = [];
  readonly #retirement: Retirement;

  constructor(options: GroupSyncOptions, parts: GroupSyncParts, unmarked: boolean) {
    this.#options = options;
    this.#parts = parts;
    this.#state = parts.state;
    this.#unmarked = unmarked;
    this.#fd = parts.files.open(this.#state.current.file, 'existing');
    this.#filling = new Staging(0, options.writeBytesMax, this.#state.current);
    this.#other = new Staging(1, options.writeBytesMax, this.#state.current);
    for (const staging of [this.#filling, this.#other]) {
      parts.writer.lend(staging.buffer, staging.shared);
    }
    if (this.#filling.start === blockBytes) this.#addGroup(groupOf(this.#state.carried()), true);
    this.#retirement = new Retirement(parts.state, parts.pool, (error) => {
      if (error !== undefined) this.#fail(cannotGrow(options.directory, error));
      this.#pump();
    });
    parts.pool.prepareAhead();
    this.#markSoon();
  }

  get failure(): RslError | undefined {
    return this.#failure;
  }

  append(records: readonly LogRecord[], done: Done): void {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      queueMicrotask(() => done(failure));
    } else if (records.length === 0) this.#barrier(done);
    else this.#enqueue(groupOf(records), done);
  }

  /** firstSlot has changed: the next group says so; see to it that there is one. */
  truncated(): void {
    this.#unmarked = true;
    this.#markSoon();
  }

  /** Resolves when nothing waits, or after a failure. */
  async drain(): Promise<void> {
    await this.#idle();
    if (this.#unmarked && this.#failure === undefined) {
      this.#enqueue(groupOf([]), undefined);
      await this.#idle();
    }
    this.#stopMarkTimer?.();
  }

  /** After `drain`. */
  close(): void {
    this.#failure ??= new ClosedError('the log is closed; open it again');
    this.#parts.files.close(this.#fd);
  }

  #barrier(done: Done): void {
    if (this.#queue.length > 0) this.#queue.push({ group: undefined, done });
    else if (this.#filling.used > 0) this.#filling.dones.push(done);
    else if (this.#inFlight !== undefined) this.#inFlight.dones.push(done);
    else queueMicrotask(() => done());
  }

  #enqueue(group: EncodedGroup, done: Done | undefined): void {
    const { bytes } = group;
    const { waitingBytesMax } = this.#options;
    if (bytes > groupBytesMax || this.#waitingBytes + bytes > waitingBytesMax) {
      this.#queue.push({ group: undefined, done });
      this.#fail(tooMuch(bytes, this.#waitingBytes, waitingBytesMax));
      return;
    }
    this.#waitingBytes += bytes;
    if (this.#queue.length === 0 && !this.#switching && this.#filling.fits(bytes)) {
      this.#fill(group, done);
    } else this.#queue.push({ group, done });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#options.writeAtOnce) this.#pump();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#pump();
      });
    }
  }

  /** The only place that starts a write or a new segment. */
  #pump(): void {
    if (this.#inFlight !== undefined || this.#switching || this.#failure !== undefined) return;
    this.#fillFromQueue();
    if (this.#switching) return;
    if (this.#filling.used > 0) this.#write();
    else this.#rest();
  }

  #fillFromQueue(): void {
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined) return;
      if (next.group !== undefined && !this.#makeRoom(next.group.bytes)) return;
      this.#queue.shift();
      const { group, done } = next;
      if (group !== undefined) this.#fill(group, done);
      else if (this.#filling.used > 0 && done !== undefined) this.#filling.dones.push(done);
      else if (done !== undefined) queueMicrotask(() => done());
    }
  }

  /** False if the group has to wait for the next write, or for the next segment. */
  #makeRoom(bytes: number): boolean {
    const filling = this.#filling;
    if (filling.fits(bytes)) return true;
    if (filling.used > 0) return false;
    if (filling.start + roundUp(bytes, blockBytes) > filling.segment.size) {
      this.#switchSegment(bytes);
      return false;
    }
    filling.grow(bytes);
    this.#parts.writer.lend(filling.buffer, filling.shared);
    return true;
  }

  #fill(group: EncodedGroup, done: Done | undefined): void {
    this.#addGroup(group, false);
    this.#filling.waitingBytes += group.bytes;
    if (done !== undefined) this.#filling.dones.push(done);
  }

  #addGroup(group: EncodedGroup, carry: boolean): void {
    const { firstSlot, number } = this.#state;
    this.#filling.add(group, { number, firstSlot, keepFrom: this.#state.keepFrom(), carry });
    this.#state.number = number + 1;
  }

  #write(): void {
    const batch = this.#filling;
    const length = batch.seal();
    this.#stopMarkTimer?.();
    this.#stopMarkTimer = undefined;
    this.#filling = this.#other;
    this.#other = batch;
    this.#inFlight = batch;
    this.#filling.begin(batch.segment, batch.start + length);
    this.#parts.writer.write(batch.buffer, length, this.#fd, batch.start, (error) =>
      error === undefined ? this.#written(batch) : this.#fail(writeFailed(batch, error)),
    );
  }

  #written(batch: Staging): void {
    if (this.#failure !== undefined) return;
    const { number } = this.#state;
    for (const { at, header } of batch.groups()) {
      this.#state.takeIn(batch.segment, batch.memory, at, header);
    }
    this.#state.number = number;
    this.#waitingBytes -= batch.waitingBytes;
    this.#unmarked = batch.holdsRecords || batch.firstSlot < this.#state.firstSlot;
    this.#inFlight = undefined;
    const { dones } = batch;
    this.#retirement.keepFrom = batch.keepFrom;
    this.#pump();
    this.#retirement.goOn();
    for (const done of dones) run(done);
  }

  /** Nothing to write. */
  #rest(): void {
    this.#markSoon();
    if (this.#retirement.busy || this.#queue.length > 0) return;
    for (const drained of this.#drained.splice(0)) drained();
  }

  #markSoon(): void {
    if (!this.#unmarked || this.#stopMarkTimer !== undefined) return;
    if (this.#inFlight !== undefined || this.#failure !== undefined) return;
    const stop = this.#parts.clock.everyMs(this.#options.markAfterMs, () => {
      stop();
      this.#stopMarkTimer = undefined;
      if (this.#inFlight === undefined && this.#unmarked && this.#failure === undefined) {
        this.#enqueue(groupOf([]), undefined);
      }
    });
    this.#stopMarkTimer = stop;
  }

  #switchSegment(bytes: number): void {
    requires(() => this.#inFlight === undefined && this.#filling.used === 0);
    // A segment that is about to be recycled is the next one, all the more on a full medium.
    if (this.#retirement.due && !this.#parts.pool.ready) return;
    const before = this.#filling.segment;
    const carried = groupOf(this.#state.carried());
    const needed = blockBytes + roundUp(carried.bytes, blockBytes) + roundUp(bytes, blockBytes);
    const header: SegmentHeader = {
      sequence: before.sequence + 1,
      store: before.header.store,
      salt: this.#parts.random.below(2 ** 32),
      writeBytesMax: this.#options.writeBytesMax,
      size: Math.max(this.#options.segmentBytes, needed),
      firstNumber: this.#state.number,
      previousEnd: before.end,
    };
    const file = segmentFile(this.#options.directory, header.sequence);
    this.#switching = true;
    this.#parts.pool.take(file, header, (error) => {
      if (error === undefined) this.#begin(new Segment(file, header), carried);
      else this.#fail(cannotGrow(this.#options.directory, error));
    });
  }

  #begin(segment: Segment, carried: EncodedGroup): void {
    if (this.#failure !== undefined) return;
    try {
      const fd = this.#parts.files.open(segment.file, 'existing');
      this.#parts.files.close(this.#fd);
      this.#fd = fd;
    } catch (error) {
      this.#fail(cannotGrow(this.#options.directory, error as NodeJS.ErrnoException));
      return;
    }
    this.#state.add(segment);
    this.#switching = false;
    if (this.#filling.size < carried.bytes + blockBytes) {
      this.#filling.grow(carried.bytes + blockBytes);
      this.#parts.writer.lend(this.#filling.buffer, this.#filling.shared);
    }
    this.#filling.begin(segment, blockBytes);
    this.#addGroup(carried, true);
    this.#parts.pool.prepareAhead();
    this.#pump();
  }

  #fail(error: RslError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#retirement.stop();
    this.#stopMarkTimer?.();
    const dones = [...(this.#inFlight?.dones ?? []), ...this.#filling.dones];
    for (const { done } of this.#queue.splice(0)) if (done !== undefined) dones.push(done);
    // Never before `append` returns, and after everything that has completed.
    queueMicrotask(() => {
      for (const done of dones) run(done, error);
    });
    for (const drained of this.#drained.splice(0)) drained();
  }

  #idle(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#schedule();
    });
  }
}

/** A callback that throws must not stop the others from being called. */
function run(done: Done, error?: RslError): void {
  try {
    done(error);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}

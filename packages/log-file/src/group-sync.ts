/**
 * Group commit: one durable write in flight; what arrives meanwhile is gathered in the other half
 * of a double buffer and is the next write. What does not fit there waits in a queue.
 */
import { requires } from '@rsl/contracts';
import { ClosedError, type RslError } from '@rsl/core';
import { cannotGrow, groupBytesMax, tooMuch, writeFailed } from './failures.ts';
import type { GroupSyncOptions, GroupSyncParts } from './group-sync-parts.ts';
import type { Catalog } from './catalog.ts';
import { Marks } from './marks.ts';
import type { WrittenFile } from './medium.ts';
import { roundUp } from './memory.ts';
import { blockBytes, type EncodedGroup, groupHeaderBytes, groupOf } from './record.ts';
import { performRenewal, type Renewal } from './renewal.ts';
import { Retirement } from './retirement.ts';
import { marksBytes, Room } from './room.ts';
import type { Segment } from './segment.ts';
import { SegmentSwitch } from './segment-switch.ts';
import { type Done, Staging } from './staging.ts';

/** A barrier has no group, and a mark nobody who waits for it. */
interface Waiting {
  readonly group?: EncodedGroup | undefined;
  readonly done?: Done | undefined;
  /** A new name for the store: what is appended later is stored under that. */
  readonly renewal?: (() => Renewal) | undefined;
}

export class GroupSync {
  readonly #options: GroupSyncOptions;
  readonly #parts: GroupSyncParts;
  readonly #state: Catalog;
  #filling: Staging;
  #other: Staging;
  #inFlight: Staging | undefined;
  /** Another segment is begun, or the store is renewed. */
  #switching = false;
  /** What is in the queue is refused at the end of this turn. */
  #refusing = false;
  #scheduled = false;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #failure: RslError | undefined;
  readonly #switch: SegmentSwitch;
  readonly #marks: Marks;
  #drained: (() => void)[] = [];
  readonly #retirement: Retirement;
  readonly #room: Room;

  constructor(options: GroupSyncOptions, parts: GroupSyncParts, unmarked: boolean) {
    this.#options = options;
    this.#parts = parts;
    this.#state = parts.state;
    this.#marks = new Marks(parts.clock, options.markAfterMs, unmarked, () => this.#mark());
    this.#switch = new SegmentSwitch(options, parts);
    this.#filling = new Staging(0, options.writeBytesMax, this.#state.current);
    this.#other = new Staging(1, options.writeBytesMax, this.#state.current);
    for (const staging of [this.#filling, this.#other]) {
      parts.writer.lend(staging.buffer, staging.shared);
    }
    const { current } = this.#state;
    if (current.end === blockBytes && !this.#state.isFormer(current)) {
      this.#addGroup(this.#state.carried(), true);
    }
    this.#retirement = new Retirement(parts.state, parts.pool, (error) => {
      if (error !== undefined) this.#fail(cannotGrow(options.directory, error));
      this.#pump();
    });
    this.#room = new Room(parts.state, parts.pool, this.#retirement);
    parts.pool.prepareAhead();
    this.#marks.soon();
  }

  get failure(): RslError | undefined {
    return this.#failure;
  }

  get written(): WrittenFile {
    return this.#switch.written;
  }

  /** Appended, and not yet durable. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Negative if what waits needs another segment. */
  get roomBytes(): number {
    const { waitingBytes } = this.#filling;
    const queuedBytes = this.#waitingBytes - waitingBytes - (this.#inFlight?.waitingBytes ?? 0);
    return this.#room.leftBytes(this.#filling, queuedBytes);
  }

  append(group: EncodedGroup, done: Done): void {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      queueMicrotask(() => done(failure));
    } else if (group.records.length === 0) this.#barrier(done);
    else this.#enqueue(group, done);
  }

  /** firstSlot has changed: the next group says so; see to it that there is one. */
  truncated(): void {
    this.#marks.needed = true;
    this.#markSoon();
  }

  /** What is appended later is of the renewed store (S2); `done` runs as that of an append does. */
  renew(renewal: () => Renewal, done: Done): void {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      queueMicrotask(() => done(failure));
      return;
    }
    this.#queue.push({ renewal, done });
    this.#schedule();
  }

  /** There may be room now that there was not. */
  roomFound(): void {
    if (this.#failure !== undefined) return;
    this.#parts.pool.prepareAhead();
    this.#markSoon();
  }

  /** What is written would not be found again. */
  fail(error: RslError): void {
    this.#fail(error);
  }

  /** Resolves when nothing waits, or after a failure. */
  async drain(): Promise<void> {
    await this.#idle();
    // A mark that begins a segment is written with what is carried on, and does not vouch for that.
    while (this.#marks.needed && this.#failure === undefined && this.#mayMark()) {
      this.#enqueue(groupOf([]), undefined);
      await this.#idle();
    }
    this.#marks.stop();
  }

  /** After `drain`. */
  close(): void {
    this.#failure ??= new ClosedError('the log is closed; open it again');
    this.#switch.close();
  }

  #barrier(done: Done): void {
    if (this.#queue.length > 0) this.#queue.push({ done });
    else if (this.#filling.used > 0) {
      this.#filling.dones.push(done);
      // It may be the first of a new segment, which nobody has asked for.
      this.#schedule();
    } else if (this.#inFlight !== undefined) this.#inFlight.dones.push(done);
    else queueMicrotask(() => done());
  }

  #enqueue(group: EncodedGroup, done: Done | undefined): void {
    const { bytes } = group;
    const { waitingBytesMax } = this.#options;
    if (bytes > groupBytesMax || this.#waitingBytes + bytes > waitingBytesMax) {
      this.#queue.push({ done });
      this.#fail(tooMuch(bytes, this.#waitingBytes, waitingBytesMax));
      return;
    }
    this.#waitingBytes += bytes;
    const isMark = done === undefined;
    if (
      this.#queue.length === 0 &&
      !this.#switching &&
      this.#room.fits(this.#filling, bytes, isMark)
    ) {
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
    if (this.#inFlight !== undefined || this.#switching || this.#refusing) return;
    if (this.#failure !== undefined) return;
    this.#fillFromQueue();
    if (this.#switching) return;
    if (this.#filling.used > 0) this.#write();
    else this.#rest();
  }

  #fillFromQueue(): void {
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined) return;
      const { group, done, renewal } = next;
      if (renewal !== undefined) {
        if (this.#filling.used === 0) this.#renew(renewal());
        return;
      }
      if (group !== undefined && !this.#makeRoom(group.bytes, done === undefined)) return;
      this.#queue.shift();
      if (group !== undefined) this.#fill(group, done);
      else if (this.#filling.used > 0 && done !== undefined) this.#filling.dones.push(done);
      else if (done !== undefined) queueMicrotask(() => done());
    }
  }

  /** False if the group has to wait for the next write, or for the next segment. */
  #makeRoom(bytes: number, isMark: boolean): boolean {
    const filling = this.#filling;
    if (this.#room.fits(filling, bytes, isMark)) return true;
    if (filling.used > 0) return false;
    if (!this.#room.holds(filling, roundUp(bytes, blockBytes), isMark)) {
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
    const news = this.#state.news();
    if (news !== undefined && this.#room.fits(batch, news.bytes, true)) this.#addGroup(news, false);
    const length = batch.seal();
    this.#marks.stop();
    this.#filling = this.#other;
    this.#other = batch;
    this.#inFlight = batch;
    this.#filling.begin(batch.segment, batch.start + length);
    this.#parts.writer.write(batch.buffer, length, this.#switch.fd, batch.start, (error) =>
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
    this.#marks.needed = batch.wantsMark || this.#state.isUnsaid(batch.firstSlot);
    this.#inFlight = undefined;
    const { dones } = batch;
    this.#retirement.keepFrom = batch.keepFrom;
    this.#pump();
    this.#retirement.goOn();
    this.#parts.moved(false);
    for (const done of dones) run(done);
  }

  /** Nothing to write. */
  #rest(): void {
    this.#markSoon();
    if (this.#retirement.busy || this.#queue.length > 0) return;
    for (const drained of this.#drained.splice(0)) drained();
  }

  #markSoon(): void {
    if (this.#inFlight === undefined && this.#failure === undefined) this.#marks.soon();
  }

  #mark(): void {
    if (this.#inFlight !== undefined || this.#switching || this.#failure !== undefined) return;
    if (this.#marks.needed && this.#mayMark()) this.#enqueue(groupOf([]), undefined);
  }

  /** A mark is not worth being refused. */
  #mayMark(): boolean {
    return this.#parts.pool.ready || this.#room.fits(this.#filling, groupHeaderBytes, true);
  }

  #switchSegment(bytes: number): void {
    const isIdle = () => this.#inFlight === undefined && this.#filling.used === 0;
    requires(isIdle, 'file-1 a segment is left when everything in it is durable');
    if (!this.#parts.pool.ready) {
      // A segment that is about to be recycled is the next one, all the more on a full medium.
      this.#retirement.goOn();
      if (this.#retirement.due) return;
      if (this.#room.wouldGrow() && this.#room.fits(this.#filling, groupHeaderBytes, true)) {
        this.#addGroup(groupOf([]), false);
        return;
      }
    }
    this.#switching = true;
    this.#switch.begin(bytes, marksBytes, {
      began: (segment, carried) => this.#begin(segment, carried),
      refused: (error) => this.#refuse(error),
      failed: (error) => this.#fail(error),
    });
  }

  #begin(segment: Segment, carried: EncodedGroup): void {
    if (this.#failure !== undefined) return;
    this.#state.add(segment);
    this.#switching = false;
    if (this.#filling.size < carried.bytes + blockBytes) {
      this.#filling.grow(carried.bytes + blockBytes);
      this.#parts.writer.lend(this.#filling.buffer, this.#filling.shared);
    }
    this.#filling.begin(segment, blockBytes);
    this.#addGroup(carried, true);
    this.#parts.pool.prepareAhead();
    this.#parts.moved(true);
    this.#pump();
  }

  /**
   * Nothing that waits is written. All of it is refused, also what is appended before the first
   * `done` runs: who appended it could not know that what it builds on is not stored (P2).
   */
  #refuse(error: RslError): void {
    this.#switching = false;
    this.#refusing = true;
    queueMicrotask(() => {
      this.#refusing = false;
      const refused = this.#queue.splice(0);
      for (const { group } of refused) this.#waitingBytes -= group?.bytes ?? 0;
      for (const { done } of refused) if (done !== undefined) run(done, error);
      this.#pump();
    });
  }

  #renew(renewal: Renewal): void {
    this.#switching = true;
    performRenewal(renewal, this.#parts.writer, {
      refused: (error) => this.#refuse(error),
      failed: (error) => this.#fail(error),
      renewed: () => {
        if (this.#failure !== undefined) return;
        this.#state.beginLife(renewal.store);
        const done = this.#queue.shift()?.done;
        this.#switching = false;
        this.#pump();
        if (done !== undefined) run(done);
      },
    });
  }

  #fail(error: RslError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#retirement.stop();
    this.#marks.stop();
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

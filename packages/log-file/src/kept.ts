/** What must outlive the slots and the segments that it was stored with (P11). */
import { type Ballot, compareBallots, type LogRecord, type Slot } from '@rsl/core/protocol';

type Kind<K extends LogRecord['kind']> = Extract<LogRecord, { kind: K }>;

export class Kept {
  #promise: Ballot | undefined;
  #configuration: Kind<'configuration'> | undefined;
  #bootstrap: Kind<'bootstrap'> | undefined;
  #start: Kind<'start'> | undefined;
  #standings: Kind<'standings'> | undefined;
  #decidedThrough: Kind<'decided-through'> | undefined;
  #lease: Kind<'lease'> | undefined;

  /** The highest ballot promised or voted in. */
  get promise(): Ballot | undefined {
    return this.#promise;
  }

  /** 0 if nothing is known to be decided. */
  get decidedThrough(): Slot {
    return this.#decidedThrough?.slot ?? 0;
  }

  /** A vote raises the promise (P1), so a forgotten vote leaves its ballot behind as one. */
  raisePromise(ballot: Ballot): void {
    if (this.#promise === undefined || compareBallots(ballot, this.#promise) > 0) {
      this.#promise = ballot;
    }
  }

  /** That of a former life is nobody's any more (S2). */
  forgetPromise(): void {
    this.#promise = undefined;
  }

  /** Anything but what is of a slot. */
  take(record: LogRecord): void {
    switch (record.kind) {
      case 'promise':
        this.raisePromise(record.ballot);
        break;
      case 'configuration':
        this.#configuration = record;
        break;
      case 'bootstrap':
        this.#bootstrap = record;
        break;
      case 'start':
        this.#start = record;
        break;
      case 'standings':
        this.#standings = record;
        break;
      case 'decided-through':
        if (record.slot >= this.decidedThrough) this.#decidedThrough = record;
        break;
      case 'lease':
        if (record.leaseMs >= (this.#lease?.leaseMs ?? 0)) this.#lease = record;
        break;
      default:
    }
  }

  /** What a new segment begins with, so that every older one may go. */
  records(): LogRecord[] {
    const records: LogRecord[] = [];
    if (this.#promise !== undefined) records.push({ kind: 'promise', ballot: this.#promise });
    if (this.#configuration !== undefined) records.push(this.#configuration);
    if (this.#bootstrap !== undefined) records.push(this.#bootstrap);
    if (this.#start !== undefined) records.push(this.#start);
    if (this.#standings !== undefined) records.push(this.#standings);
    if (this.#decidedThrough !== undefined) records.push(this.#decidedThrough);
    if (this.#lease !== undefined) records.push(this.#lease);
    return records;
  }
}

import { ensures, invariant, requires } from '@rsl/contracts';
import type { RslError } from '../errors.ts';
import { sameBallot } from '../paxos/ballot.ts';
import type { Send } from '../paxos/effect.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { DurableMessage } from '../paxos/messages.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Metrics } from './metrics.ts';

/** Many persist effects of a turn, one append; what they reveal leaves when it is durable (P2). */
export class GroupCommit {
  readonly #log: LogStore;
  readonly #reveal: (send: Send<DurableMessage>) => void;
  readonly #fail: (error: RslError) => void;
  readonly #metrics: Metrics | undefined;
  #records: LogRecord[] = [];
  #then: Send<DurableMessage>[] = [];
  #bytes = 0;
  #dirty = false;
  #waiting: (() => void)[] = [];
  /** For contracts only, both. */
  #completed = 0;
  #failed = false;
  appends = 0;
  #outstanding = 0;
  /** Values that were given to the log and are not durable yet: what a stalled disk holds back. */
  pendingBytes = 0;

  constructor(
    log: LogStore,
    reveal: (send: Send<DurableMessage>) => void,
    fail: (error: RslError) => void,
    metrics?: Metrics,
  ) {
    this.#log = log;
    this.#reveal = reveal;
    this.#fail = fail;
    this.#metrics = metrics;
  }

  /** Nothing is being written, nor waits for it. */
  get isIdle(): boolean {
    return !this.#dirty && this.#outstanding === 0;
  }

  add(records: readonly LogRecord[], then: readonly Send<DurableMessage>[]): void {
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += bytesOf(record);
    }
    for (const send of then) this.#push(send);
    this.#dirty = true;
  }

  flush(): void {
    if (!this.#dirty) return;
    const then = this.#then;
    const waiting = this.#waiting;
    const records = this.#records;
    const bytes = this.#bytes;
    this.pendingBytes += bytes;
    this.#bytes = 0;
    this.#dirty = false;
    this.#records = [];
    this.#then = [];
    this.#waiting = [];
    this.appends += 1;
    this.#outstanding += 1;
    const { appends } = this;
    const beganMs = this.#metrics?.appendBegan() ?? 0;
    this.#log.append(records, (error) => {
      this.pendingBytes -= bytes;
      this.#outstanding -= 1;
      this.#metrics?.appendEnded(beganMs, records.length, bytes);
      if (CONTRACTS) this.#completed += 1;
      requires(() => this.#completed === appends, 'commit-1 appends complete in their order (P2)');
      requires(
        () => !this.#failed,
        'commit-2 after a failure every later one fails (P2, S4)',
        () => error === undefined,
      );
      invariant(() => this.pendingBytes >= 0, 'commit-3 what is not yet durable is counted once');
      if (CONTRACTS && error !== undefined) this.#failed = true;
      if (error !== undefined) return this.#fail(error);
      for (const send of then) this.#reveal(send);
      for (const run of waiting) run();
    });
  }

  /** Runs once everything of this turn is durable. */
  whenDurable(run: () => void): void {
    this.#waiting.push(run);
    this.#dirty = true;
  }

  /** A later watermark says all that an earlier one of the same group said (P6). */
  #push(send: Send<DurableMessage>): void {
    const { message, to } = send;
    if (message.kind === '2b') {
      const earlier = this.#then.findIndex(
        (s) =>
          s.to === to && s.message.kind === '2b' && sameBallot(s.message.ballot, message.ballot),
      );
      if (earlier >= 0) this.#then.splice(earlier, 1);
    }
    this.#then.push(send);
    ensures(
      () => this.#then.filter((s) => s.to === to && s.message === message).length === 1,
      'commit-4 what waits for a write leaves once (P2)',
    );
  }
}

function bytesOf(record: LogRecord): number {
  if (record.kind === 'vote') return record.vote.value.bytes.length;
  return record.kind === 'decided' ? record.value.bytes.length : 0;
}

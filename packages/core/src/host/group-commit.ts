import type { RslError } from '../errors.ts';
import type { Send } from '../paxos/effect.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { DurableMessage } from '../paxos/messages.ts';
import type { LogStore } from '../ports/log-store.ts';

/** Many persist effects of one turn, one append; what they reveal leaves when it is durable (P2). */
export class GroupCommit {
  readonly #log: LogStore;
  readonly #reveal: (send: Send<DurableMessage>) => void;
  readonly #fail: (error: RslError) => void;
  #records: LogRecord[] = [];
  #then: Send<DurableMessage>[] = [];
  #dirty = false;
  appends = 0;

  constructor(
    log: LogStore,
    reveal: (send: Send<DurableMessage>) => void,
    fail: (error: RslError) => void,
  ) {
    this.#log = log;
    this.#reveal = reveal;
    this.#fail = fail;
  }

  add(records: readonly LogRecord[], then: readonly Send<DurableMessage>[]): void {
    for (const record of records) this.#records.push(record);
    for (const send of then) this.#push(send);
    this.#dirty = true;
  }

  flush(): void {
    if (!this.#dirty) return;
    const then = this.#then;
    const records = this.#records;
    this.#dirty = false;
    this.#records = [];
    this.#then = [];
    this.appends += 1;
    this.#log.append(records, (error) => {
      if (error !== undefined) this.#fail(error);
      else for (const send of then) this.#reveal(send);
    });
  }

  /** A later watermark says all that an earlier one of the same group said (P6). */
  #push(send: Send<DurableMessage>): void {
    const { message, to } = send;
    if (message.kind === '2b') {
      const earlier = this.#then.findIndex(
        (s) => s.to === to && s.message.kind === '2b' && s.message.ballot === message.ballot,
      );
      if (earlier >= 0) this.#then.splice(earlier, 1);
    }
    this.#then.push(send);
  }
}

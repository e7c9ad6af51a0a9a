import type { Batch, Results, StateMachine } from '@rsl/core';
import { Cursor, MalformedError } from './bundle/cursor.ts';
import { executeNext } from './bundle/execute.ts';
import { onlyReads } from './bundle/only-reads.ts';
import { type Reply, unheard } from './resp/reply.ts';
import { ReplyWriter } from './resp/reply-writer.ts';
import { Slab } from './resp/slab.ts';
import { Keyspace } from './state/keyspace.ts';
import { loadKeyspace } from './state/load.ts';
import { saveKeyspace } from './state/save.ts';

/** Nobody waits for it, or the replies were larger than may be kept. */
const noResult = Buffer.alloc(0);

/**
 * The keys and values as a replicated state machine. A command of the log is a bundle; its result
 * is RESP, ready to be sent, or empty if it became larger than `replyBytesMax`.
 */
export class KeyValue implements StateMachine {
  #keyspace = new Keyspace();
  readonly #cursor = new Cursor();
  readonly #writer: ReplyWriter;

  constructor(replyBytesMax: number) {
    this.#writer = new ReplyWriter(new Slab(), replyBytesMax);
  }

  /** What this replica has. Only to be read. */
  get keyspace(): Keyspace {
    return this.#keyspace;
  }

  execute(batch: Batch, results: Results): void {
    this.#keyspace.advance(batch.timeMs);
    for (let i = 0; i < batch.count; i++) {
      this.#cursor.open(batch.bytes, batch.start(i), batch.end(i));
      results.push(results.wanted(i) ? this.#heard() : this.#unheard());
    }
  }

  /** Executes the next command of a bundle that only reads. */
  read(cursor: Cursor, reply: Reply): void {
    executeNext(cursor, this.#keyspace, reply);
  }

  /** A bundle of a client elsewhere that only reads; its replies one after the other, as RESP. */
  query(question: Uint8Array): Uint8Array {
    const cursor = new Cursor().open(question, 0, question.length);
    const version = cursor.byte() === 3 ? 3 : 2;
    if (!onlyReads(cursor)) throw new Error('a query only reads; propose what does more');
    this.#writer.version = version;
    cursor.at = 1;
    try {
      while (cursor.at < cursor.end) executeNext(cursor, this.#keyspace, this.#writer);
      if (this.#writer.overflowed) throw new Error('the reply is larger than --max-output-bytes');
      return this.#writer.take();
    } catch (error) {
      this.#writer.clear();
      throw error;
    }
  }

  /** What one batch left over is due in the next moment. */
  wakeAtMs(): number | undefined {
    const { expiries, timeMs } = this.#keyspace;
    const first = expiries.first;
    return first === undefined ? undefined : Math.max(first.expireAtMs, timeMs + 1);
  }

  save(): Iterable<Uint8Array> {
    return saveKeyspace(this.#keyspace);
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#keyspace = await loadKeyspace(chunks);
  }

  #heard(): Uint8Array {
    this.#executeBundle(this.#writer);
    if (!this.#writer.overflowed) return this.#writer.take();
    this.#writer.clear();
    return noResult;
  }

  #unheard(): Uint8Array {
    this.#executeBundle(unheard);
    return noResult;
  }

  /** Clients elsewhere propose any bytes; what is no bundle is answered the same way everywhere. */
  #executeBundle(reply: Reply): void {
    const cursor = this.#cursor;
    try {
      this.#writer.version = cursor.byte() === 3 ? 3 : 2;
      while (cursor.at < cursor.end) executeNext(cursor, this.#keyspace, reply);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      reply.error(`ERR the log holds a command that is none: ${error.message}`);
    }
  }
}

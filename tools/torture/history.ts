import { errorCodes } from '@rsl/core';
import type { Operation } from '@rsl/core/testing';
import { ConnectionLost, type Reply, ReplyError } from '../lib/resp-connection.ts';
import { isRead, type RedisInput, type RedisOutput } from './redis-model.ts';

export type RedisOperation = Operation<RedisInput, RedisOutput>;

interface Counts {
  acknowledged: number;
  /** Perhaps executed: the connection went, or the server said that it does not know. */
  unknown: number;
  /** Said not to be executed; if one of these is seen all the same, no order explains it. */
  denied: number;
}

/** What clients did and were told. */
export class History {
  readonly #operations: RedisOperation[] = [];
  readonly #counts = new Map<string, Counts>();
  /** Replies that no client may ever get. */
  readonly strange: string[] = [];
  acknowledged = 0;

  get operations(): readonly RedisOperation[] {
    return this.#operations;
  }

  countsByCommand(): Record<string, Counts> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => a.localeCompare(b)));
  }

  /** Sends it and records what came of it; gives the output, undefined if there is none. */
  async record(
    client: string,
    input: RedisInput,
    send: () => Promise<Reply>,
  ): Promise<RedisOutput | undefined> {
    const counts = this.#countsOf(input.command);
    const startMs = performance.now();
    let reply: Reply;
    try {
      reply = await send();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) this.strange.push(String(error));
      return this.#addUnknown({ client, input, startMs }, counts);
    }
    const endMs = performance.now();
    if (reply instanceof ReplyError) {
      if (this.#isDenied(reply, input)) counts.denied += 1;
      else this.#addUnknown({ client, input, startMs }, counts);
      return undefined;
    }
    counts.acknowledged += 1;
    this.acknowledged += 1;
    const output = reply as RedisOutput;
    this.#operations.push({ client, input, output, startMs, endMs });
    return output;
  }

  #addUnknown(
    operation: Pick<RedisOperation, 'client' | 'input' | 'startMs'>,
    counts: Counts,
  ): undefined {
    counts.unknown += 1;
    if (isRead(operation.input)) return;
    this.#operations.push({ ...operation, output: undefined, endMs: undefined });
  }

  #isDenied(reply: ReplyError, input: RedisInput): boolean {
    const known = Object.entries(errorCodes).find(([code]) => code === reply.code);
    if (known === undefined) this.strange.push(`${input.command} ${input.key}: ${reply.text}`);
    return known?.[1].outcome === 'not-executed';
  }

  #countsOf(command: string): Counts {
    const counts = this.#counts.get(command) ?? { acknowledged: 0, unknown: 0, denied: 0 };
    this.#counts.set(command, counts);
    return counts;
  }
}

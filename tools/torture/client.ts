import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '@rsl/core/testing';
import { type Endpoint, RespConnection } from '../lib/resp-connection.ts';
import type { History } from './history.ts';
import { wordsOf } from './redis-model.ts';
import type { Workload } from './workload.ts';

export interface ClientOptions {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly workload: Workload;
  readonly history: History;
  readonly random: SeededRandom;
  /** Commands under way at a time. */
  readonly depth: number;
  /** Between the reply to one command and the next, at most. */
  readonly pauseMsMax: number;
  readonly replyWithinMs: number;
  readonly reconnectAfterMs: number;
}

const connectWithinMs = 1_000;

/** One connection to one replica, opened again whenever it goes; commands are never repeated. */
export class Client {
  readonly #options: ClientOptions;
  #isStopping = false;
  #connection: RespConnection | undefined;
  readonly #running: Promise<void>;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Sends nothing more, and waits for the replies that are due. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    this.#connection?.close();
  }

  async #run(): Promise<void> {
    const { endpoint, depth, reconnectAfterMs } = this.#options;
    while (!this.#isStopping) {
      try {
        this.#connection = await RespConnection.open(endpoint, connectWithinMs);
      } catch {
        await delay(reconnectAfterMs);
        continue;
      }
      const connection = this.#connection;
      await Promise.all(Array.from({ length: depth }, () => this.#use(connection)));
    }
  }

  async #use(connection: RespConnection): Promise<void> {
    const { name, workload, history, random, pauseMsMax, replyWithinMs } = this.#options;
    while (!this.#isStopping && !connection.isClosed) {
      const input = workload.next(name);
      await history.record(name, input, () => connection.call(wordsOf(input), replyWithinMs));
      await delay(random.below(pauseMsMax + 1));
    }
  }
}

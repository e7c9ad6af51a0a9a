import { setTimeout as delay } from 'node:timers/promises';
import { RslError } from '@rsl/core';
import { type Client, connectClient } from '@rsl/core/client';
import type { SeededRandom } from '@rsl/core/testing';
import { type Command, type Reply, textCodec } from '@rsl/server/codec';
import { tcpConnector } from '@rsl/transport-tcp';
import type { Increment, Increments, Told } from './increments.ts';

export interface SessionClientOptions {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly increments: Increments;
  readonly random: SeededRandom;
  readonly pauseMsMax: number;
  /** Increments under way at a time. */
  readonly depth: number;
  /** Errors that nobody may get. */
  readonly strange: string[];
  /**
   * What is of unknown outcome is proposed anew, as somebody without a session would: then it is
   * executed twice now and then, and the check has to say so.
   */
  readonly retriesAsNew: boolean;
}

const counters = 8;
/** Some wait for less than an election takes, and never know. */
const timeoutsMs = [250, 1_000, 4_000, 15_000];
/** Some sessions end while their client is cut off. */
const ttlsMs = [1_500, 10_000, 60_000];
const newAttemptsMax = 50;

/** A client of @rsl/core/client that increments, and is told what came of it. */
export class SessionClient {
  readonly #options: SessionClientOptions;
  readonly #client: Client<Command, Reply>;
  readonly #running: Promise<void>;
  #isStopping = false;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    const { addresses, depth, random } = options;
    this.#client = connectClient({
      group: 'default',
      addresses,
      connector: tcpConnector({ pingIntervalMs: 500, deadAfterMs: 2_000 }),
      codec: textCodec,
      sessionTtlMs: random.pick(ttlsMs),
    });
    this.#running = Promise.all(Array.from({ length: depth }, () => this.#run())).then(() => {});
  }

  /** Tries nothing more, waits for what is under way, and ends the session. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await this.#client.close();
  }

  async #run(): Promise<void> {
    const { increments, name, pauseMsMax, random } = this.#options;
    while (!this.#isStopping) {
      const increment = increments.begin(name, `increments:${random.below(counters)}`);
      await this.#increment(increment, random.pick(timeoutsMs));
      await delay(random.below(pauseMsMax + 1));
    }
  }

  async #increment(increment: Increment, timeoutMs: number): Promise<void> {
    const { retriesAsNew } = this.#options;
    for (let left = retriesAsNew ? newAttemptsMax : 1; left > 0; left -= 1) {
      increment.told = await this.#propose(increment, timeoutMs);
      if (increment.told !== 'unknown') return;
    }
  }

  async #propose(increment: Increment, timeoutMs: number): Promise<Told> {
    const { counter, mark } = increment;
    const multi = [
      ['INCR', counter],
      ['INCR', mark],
    ];
    try {
      const reply = await this.#client.propose({ multi }, { timeoutMs });
      const [value] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
      if (typeof value === 'number') increment.reply = value;
      else this.#options.strange.push(`INCR ${counter}: ${JSON.stringify(reply)}`);
      return 'acknowledged';
    } catch (error) {
      return this.#told(error);
    }
  }

  #told(error: unknown): Told {
    if (!(error instanceof RslError) || !expected.has(error.code)) {
      this.#options.strange.push(String(error));
      return 'unknown';
    }
    if (error.outcome === 'executed') return 'executed, no result';
    return error.outcome === 'not-executed' ? 'not executed' : 'unknown';
  }
}

/** What a client with a session may hear while replicas come and go. */
const expected: ReadonlySet<string> = new Set([
  'RSL_NOT_LEADER',
  'RSL_OUTCOME_UNKNOWN',
  'RSL_OVERLOADED',
  'RSL_RESULT_GONE',
  'RSL_SESSION_EXPIRED',
]);

import type { CallOptions, ManyResults } from '../api.ts';
import { AbortedError } from '../errors.ts';
import { checkInteger } from '../options.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { CommandCodec } from '../ports/state-machine.ts';
import { GuardedResults, type Sample } from './guarded-results.ts';
import type { control, Under } from './proposal-ring.ts';

const defaultTimeoutMs = 10_000;
const timeoutMsMax = 2 ** 31 - 1;

/** Where commands come from: a session with a number in it, words about sessions, or neither. */
export interface From {
  readonly under: Under | typeof control;
  readonly firstNumber?: number;
}

/** Takes commands in, and gives their results to the sink: a replica's host, or a client. */
export interface Intaker {
  propose(
    commands: readonly Uint8Array[],
    sink: ManyResults,
    deadlineMs: number,
    under?: Under | typeof control,
    firstNumber?: number,
  ): number;
  cancel(sequence: number, reason: unknown): void;
}

export interface CallsParts<C, R> {
  readonly host: Intaker;
  readonly codec: CommandCodec<C, R>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What measures a call of so many commands, if anything does. */
  readonly sample?: (count: number) => Sample | undefined;
}

/** The callers' edge: promises, signals, deadlines and encodings. */
export class Calls<C, R> {
  readonly #host: Intaker;
  readonly #codec: CommandCodec<C, R>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sample: (count: number) => Sample | undefined;

  constructor({ host, codec, clock, logger, sample }: CallsParts<C, R>) {
    this.#host = host;
    this.#codec = codec;
    this.#clock = clock;
    this.#logger = logger;
    this.#sample = sample ?? (() => undefined);
  }

  propose(command: C, options: CallOptions, from?: () => From): Promise<R> {
    const encode = (): Uint8Array => this.#codec.encodeCommand(command);
    return this.one(encode, (bytes) => this.#codec.decodeResult(bytes), options, from);
  }

  /** One command of bytes; nothing is numbered or sent before its options are checked. */
  one<T>(
    encode: () => Uint8Array,
    decode: (result: Uint8Array) => T,
    { signal, timeoutMs }: CallOptions,
    from?: () => From,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw new AbortedError(signal.reason);
      const deadlineMs = this.deadline(timeoutMs);
      const bytes = encode();
      const sample = this.#sample(1);
      const sink: ManyResults = {
        result: (_, result) => {
          sample?.answered(0);
          settle(() => resolve(decode(result)));
        },
        error: (_, error) => settle(() => reject(error)),
      };
      const sequence = this.#propose([bytes], sink, deadlineMs, from?.());
      const onAbort = (): void => this.#host.cancel(sequence, signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const settle = (run: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        try {
          run();
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    { timeoutMs }: { readonly timeoutMs?: number },
    from?: From,
  ): void {
    const deadlineMs = this.deadline(timeoutMs);
    const sink = new GuardedResults(results, this.#sample(commands.length), this.#logger);
    this.#propose(commands, sink, deadlineMs, from);
  }

  deadline(timeoutMs = defaultTimeoutMs): number {
    checkInteger('timeoutMs', timeoutMs, 1, timeoutMsMax);
    return this.#clock.nowMs() + timeoutMs;
  }

  #propose(
    commands: readonly Uint8Array[],
    sink: ManyResults,
    deadlineMs: number,
    from?: From,
  ): number {
    return this.#host.propose(commands, sink, deadlineMs, from?.under, from?.firstNumber);
  }
}

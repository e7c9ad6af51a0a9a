import {
  AbortedError,
  NotLeaderError,
  OverloadedError,
  RslError,
  SlotNotReachedError,
} from '../errors.ts';
import type { Answer, Ask, Denied, Question } from './client-messages.ts';
import { errorOf } from './problem.ts';

interface Waiting {
  readonly ask: Omit<Ask, 'timeoutMs'>;
  readonly deadlineMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: RslError) => void;
  readonly settle: () => void;
  isSent: boolean;
}

const elsewhere = new Set(['RSL_CLOSED', 'RSL_NOT_LEADER', 'RSL_OVERLOADED']);

/** Questions of one client: asked again, elsewhere, until they are answered or too old. */
export class Questions {
  readonly #max: number;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** One was asked, and has no answer. */
  get areAsked(): boolean {
    for (const { isSent } of this.#waiting.values()) if (isSent) return true;
    return false;
  }

  ask(
    question: Question,
    bytes: Uint8Array,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw new AbortedError(signal.reason);
      if (this.#waiting.size >= this.#max) {
        const why = `${this.#max} questions wait (pendingQuestionsMax); slow down and try again`;
        throw new OverloadedError('pendingQuestionsMax', why);
      }
      this.#last = (this.#last % (2 ** 32 - 1)) + 1;
      const number = this.#last;
      const onAbort = (): void => this.#fail(number, new AbortedError(signal?.reason));
      signal?.addEventListener('abort', onAbort, { once: true });
      const settle = (): void => signal?.removeEventListener('abort', onAbort);
      const ask = { kind: 'ask', number, question, bytes } as const;
      this.#waiting.set(number, { ask, deadlineMs, resolve, reject, settle, isSent: false });
    });
  }

  /** What was not asked yet, until `send` takes no more. */
  pump(nowMs: number, send: (ask: Ask) => boolean): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting.isSent) continue;
      const timeoutMs = Math.max(1, Math.ceil(waiting.deadlineMs - nowMs));
      try {
        if (!send({ ...waiting.ask, timeoutMs })) return;
        waiting.isSent = true;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const why = `a question that is too large for this connection: ${error.message}`;
        this.#fail(waiting.ask.number, new RslError('RSL_COMMAND_TOO_LARGE', 'not-executed', why));
      }
    }
  }

  /** Another connection: everything is asked again. */
  again(): void {
    for (const waiting of this.#waiting.values()) waiting.isSent = false;
  }

  onAnswer(answer: Answer): void {
    const waiting = this.#take(answer.number);
    waiting?.resolve(answer);
  }

  /** True if it is to be asked again, after a while. */
  onDenied({ number, problem }: Denied): boolean {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return false;
    if (elsewhere.has(problem.code)) {
      waiting.isSent = false;
      return true;
    }
    this.#fail(number, errorOf(problem));
    return false;
  }

  /** `cause`: why nobody could be asked, if it is that. */
  expire(nowMs: number, cause?: Error): void {
    for (const [number, { ask, deadlineMs }] of this.#waiting) {
      if (deadlineMs <= nowMs) this.#fail(number, tooLate(ask.question, cause));
    }
  }

  closeAll(error: RslError): void {
    for (const number of this.#waiting.keys()) this.#fail(number, error);
  }

  #fail(number: number, error: RslError): void {
    this.#take(number)?.reject(error);
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.settle();
    return waiting;
  }
}

function tooLate(question: Question, cause: Error | undefined): RslError {
  const options = cause === undefined ? undefined : { cause };
  if (question.what === 'query' && typeof question.level === 'object') {
    return new SlotNotReachedError(question.level.atLeast);
  }
  return new NotLeaderError('no replica answered before the deadline; try again', options);
}

import type { Logger } from '@rsl/core';

/** What happened since the transport was opened, by name: `framesIn`, `refused.wrong-id`, … */
export class Counters {
  readonly #counts = new Map<string, number>();
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  writes = 0;

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  read(): Readonly<Record<string, number>> {
    const { framesIn, framesOut, bytesIn, bytesOut, writes } = this;
    return { framesIn, framesOut, bytesIn, bytesOut, writes, ...Object.fromEntries(this.#counts) };
  }
}

const quietMs = 10_000;
const subjectsMax = 1_024;

/** Says the same thing about the same peer once in ten seconds, and how often it was not said. */
export class QuietLog {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #said = new Map<string, { untilMs: number; suppressed: number }>();

  constructor(logger: Logger, nowMs: () => number) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /** Whether it would not be said now; counts it then. */
  suppresses(subject: string): boolean {
    const before = this.#said.get(subject);
    if (before === undefined || this.#nowMs() >= before.untilMs) return false;
    before.suppressed += 1;
    return true;
  }

  /** `subject` tells one peer and one fault from another. */
  quietly(level: 'info' | 'warn', subject: string, fields: object, message: string): void {
    if (this.suppresses(subject)) return;
    const before = this.#said.get(subject);
    // Whoever connects from ever new places, or joins for ever new groups, makes us silent: not
    // grow, and not say it all again.
    if (this.#said.size >= subjectsMax) this.#forgetOld();
    if (this.#said.size >= subjectsMax) return;
    this.#said.set(subject, { untilMs: this.#nowMs() + quietMs, suppressed: 0 });
    this.#logger[level]({ ...fields, suppressed: before?.suppressed ?? 0 }, message);
  }

  #forgetOld(): void {
    const nowMs = this.#nowMs();
    for (const [subject, { untilMs }] of this.#said) {
      if (nowMs >= untilMs) this.#said.delete(subject);
    }
  }

  info(fields: object, message: string): void {
    this.#logger.info(fields, message);
  }

  debug(fields: object, message: string): void {
    this.#logger.debug(fields, message);
  }
}

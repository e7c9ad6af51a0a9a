import type { Slow } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Counters } from './counters.ts';

export type SlowKind = 'append' | 'execute' | 'turn';

/** A kind is warned of at most once in this time. */
const quietMs = 1_000;

const counterOf = { append: 'slowAppends', execute: 'slowExecutes', turn: 'slowTurns' } as const;

const messageOf = {
  append: 'the log is slow to make durable what it was given',
  execute: 'the state machine is slow: results wait, and votes too without isolation: thread',
  turn: 'a turn began late or took long: something blocks the event loop',
} as const;

/** Warns of what takes long, seldom enough that the warnings do not make it worse. */
export class SlowWarnings {
  readonly #slow: Slow;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: Counters;
  readonly #warnedAtMs = { append: -Infinity, execute: -Infinity, turn: -Infinity };
  readonly #leftOut = { append: 0, execute: 0, turn: 0 };

  constructor(slow: Slow, clock: Clock, logger: Logger, counters: Counters) {
    this.#slow = slow;
    this.#clock = clock;
    this.#logger = logger;
    this.#counters = counters;
  }

  executed(slot: number, ms: number): void {
    if (ms >= this.#slow.executeMs) this.#over('execute', { slot, ms: Math.round(ms) });
  }

  appended(ms: number, bytes: number): void {
    if (ms >= this.#slow.appendMs) this.#over('append', { ms: Math.round(ms), bytes });
  }

  /** The log has owed an answer for so long, and still does. */
  appendOutstanding(ms: number): void {
    if (ms < this.#slow.appendMs || this.#isQuiet('append')) return;
    this.#warn('append', { ms: Math.round(ms), outstanding: true });
  }

  turned(delayMs: number, tookMs: number): void {
    if (delayMs + tookMs < this.#slow.turnMs) return;
    this.#over('turn', { delayMs: Math.round(delayMs), tookMs: Math.round(tookMs) });
  }

  #over(kind: SlowKind, fields: object): void {
    this.#counters.count(counterOf[kind]);
    if (!this.#isQuiet(kind)) return this.#warn(kind, fields);
    this.#leftOut[kind] += 1;
    this.#counters.count('slowWarningsLeftOut');
  }

  #isQuiet(kind: SlowKind): boolean {
    return this.#clock.nowMs() - this.#warnedAtMs[kind] < quietMs;
  }

  #warn(kind: SlowKind, fields: object): void {
    const leftOut = this.#leftOut[kind];
    this.#warnedAtMs[kind] = this.#clock.nowMs();
    this.#leftOut[kind] = 0;
    this.#logger.warn({ slow: kind, ...fields, leftOut }, messageOf[kind]);
  }
}

import type { Clock } from '../ports/clock.ts';
import { EventQueue } from './event-queue.ts';
import { PromiseWatch } from './promise-watch.ts';

/** How simulated time and promises of the real event loop go together. */
export interface SimWorldOptions {
  /**
   * `always`: a turn of the real event loop after each event. `as-needed`, unless given: all that
   * waits for promises goes on, if one was made or settled. Both give the same trace.
   */
  readonly settle?: 'always' | 'as-needed';
}

/** So that signals and timers of the real process are not starved. */
const eventsWithoutTurnMax = 20_000;

/** Simulated time: events in order of their time, then of their making. No real time. */
export class SimWorld {
  readonly #queue = new EventQueue();
  readonly #watch = new PromiseWatch();
  readonly #settle: 'always' | 'as-needed';
  #stopped = false;
  nowMs = 0;
  /** How many events have run. */
  steps = 0;

  constructor(options: SimWorldOptions = {}) {
    this.#settle = options.settle ?? 'as-needed';
  }

  /** How many events wait for their time. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Runs it after so much simulated time, behind what was asked for earlier. */
  later(delayMs: number, run: () => void): void {
    this.#queue.push(this.nowMs + Math.max(0, delayMs), run);
  }

  /** Ends `run` after the current event. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs everything up to `untilMs`; whatever waits for a promise goes on between two events. */
  async run(untilMs: number): Promise<void> {
    const queue = this.#queue;
    const watch = this.#watch;
    this.#stopped = false;
    if (this.#settle === 'as-needed') watch.start();
    try {
      let sinceTurn = 0;
      for (let next = queue.first; next !== undefined; next = queue.first) {
        if (next.atMs > untilMs || this.#stopped) break;
        queue.pop();
        this.nowMs = next.atMs;
        this.steps += 1;
        next.run();
        sinceTurn += 1;
        if (!watch.isWatching || sinceTurn >= eventsWithoutTurnMax) {
          await turn();
          sinceTurn = 0;
        } else if (watch.isStirred) await microtasks();
        else continue;
        watch.settled();
      }
      if (!this.#stopped) this.nowMs = untilMs;
    } finally {
      watch.stop();
    }
  }
}

/**
 * Long enough for every promise that can go on: a tick that a microtask asks for comes when no
 * microtask is left. Of the real event loop nothing is heard meanwhile, and it costs no turn.
 */
const microtasks = (): Promise<void> =>
  new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));

/** Long enough for them, and for whatever else the process has to do. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const epochMs = 1_700_000_000_000;

/**
 * The clock of one machine, which outlives its processes: it has a rate of its own, jumps ahead or
 * stands still when the machine is suspended, and its calendar may be set to anything.
 */
export class MachineClock {
  readonly #world: SimWorld;
  #rate: number;
  #sinceMs = 0;
  #atMs = 0;
  /** How far the calendar is ahead of the truth. */
  wallAheadMs = 0;

  constructor(world: SimWorld, rate = 1) {
    this.#world = world;
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  /** From now on it runs so much faster than the world's. */
  set rate(rate: number) {
    this.#atMs = this.nowMs();
    this.#sinceMs = Math.max(this.#sinceMs, this.#world.nowMs);
    this.#rate = rate;
  }

  /**
   * The whole machine stands still for so long, and its monotonic clock with it, as under Linux.
   * Its calendar goes on.
   */
  suspend(forMs: number): void {
    this.#atMs = this.nowMs();
    this.#sinceMs = this.#world.nowMs + forMs;
    this.wallAheadMs += forMs;
  }

  /** It goes on now, if it stands still. */
  resume(): void {
    this.#sinceMs = Math.min(this.#sinceMs, this.#world.nowMs);
  }

  /** How long it still stands still. */
  get standsMs(): number {
    return Math.max(0, this.#sinceMs - this.#world.nowMs);
  }

  /** Its monotonic clock is so far ahead at once. */
  jump(aheadMs: number): void {
    this.#atMs += aheadMs;
  }

  /** Its monotonic clock, at a time of the world. */
  nowMs(worldMs: number = this.#world.nowMs): number {
    return this.#atMs + Math.max(0, worldMs - this.#sinceMs) * this.#rate;
  }

  /** Its calendar, at a time of the world. */
  wallMs(worldMs: number = this.#world.nowMs): number {
    return epochMs + Math.floor(this.nowMs(worldMs)) + this.wallAheadMs;
  }
}

/** What one process sees of it: silence once it is dead, and everything later while it waits. */
export class SimClock implements Clock {
  readonly #world: SimWorld;
  readonly #machine: MachineClock;
  #dead = false;
  #waitsUntilMs = 0;
  #readMs = 0;

  constructor(world: SimWorld, machine: MachineClock = new MachineClock(world)) {
    this.#world = world;
    this.#machine = machine;
  }

  /**
   * A turn that blocks sees the time at which it goes on. That may be earlier than was thought, if
   * the machine's clock has become slower meanwhile: no process sees time go back.
   */
  nowMs(): number {
    this.#readMs = Math.max(this.#readMs, this.#machine.nowMs(this.#currentMs));
    return this.#readMs;
  }

  wallMs(): number {
    return this.#machine.wallMs(this.#currentMs);
  }

  /** How long the process still waits, or the current turn still blocks. */
  get waitsMs(): number {
    return Math.max(0, this.#waitsUntilMs - this.#world.nowMs, this.#machine.standsMs);
  }

  everyMs(periodMs: number, tick: () => void): () => void {
    let on = true;
    const again = (): void => {
      if (!on || this.#dead) return;
      tick();
      next();
    };
    const next = (): void => this.later(periodMs / this.#machine.rate, again);
    next();
    return () => {
      on = false;
    };
  }

  soon(run: () => void): void {
    this.later(0, run);
  }

  /** Runs in this process after a while, unless it is dead by then; a pause makes it later. */
  later(delayMs: number, run: () => void): void {
    this.#world.later(delayMs, () => {
      if (this.#dead) return;
      if (this.waitsMs > 0) this.later(this.waitsMs, run);
      else run();
    });
  }

  /** The process does nothing for so long: all that is due comes later. */
  pause(forMs: number): void {
    this.#waitsUntilMs = this.#world.nowMs + forMs;
  }

  /** The process is gone: nothing of it runs any more. */
  kill(): void {
    this.#dead = true;
  }

  get #currentMs(): number {
    return this.#world.nowMs + this.waitsMs;
  }
}

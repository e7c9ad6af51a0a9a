import type { Clock } from '../ports/clock.ts';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: events in order of their time, then of their making. No real time. */
export class SimWorld {
  #events: Event[] = [];
  #order = 0;
  nowMs = 0;
  /** How many events have run. */
  steps = 0;

  later(delayMs: number, run: () => void): void {
    this.#push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, run });
    this.#order += 1;
  }

  /** Runs everything up to `untilMs`; whatever waits for a promise goes on between two events. */
  async run(untilMs: number): Promise<void> {
    for (let next = this.#events[0]; next !== undefined; next = this.#events[0]) {
      if (next.atMs > untilMs) break;
      this.#pop();
      this.nowMs = next.atMs;
      this.steps += 1;
      next.run();
      await macrotask();
    }
    this.nowMs = untilMs;
  }

  #push(event: Event): void {
    const heap = this.#events;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Event;
      if (!before(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Event)) child += 1;
      if (!before(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Long enough for every promise that can go on. */
const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One process's clock: its own rate, and silence once the process is dead or paused. */
export class SimClock implements Clock {
  readonly #world: SimWorld;
  readonly #rate: number;
  #dead = false;
  #pausedUntilMs = 0;

  constructor(world: SimWorld, rate = 1) {
    this.#world = world;
    this.#rate = rate;
  }

  nowMs(): number {
    return this.#world.nowMs * this.#rate;
  }

  wallMs(): number {
    return 1_700_000_000_000 + Math.floor(this.#world.nowMs * this.#rate);
  }

  everyMs(periodMs: number, tick: () => void): () => void {
    let on = true;
    const again = (): void => {
      if (!on || this.#dead) return;
      this.later(0, tick);
      this.#world.later(periodMs / this.#rate, again);
    };
    this.#world.later(periodMs / this.#rate, again);
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
      const wait = this.#pausedUntilMs - this.#world.nowMs;
      if (wait > 0) this.later(wait, run);
      else run();
    });
  }

  pause(forMs: number): void {
    this.#pausedUntilMs = this.#world.nowMs + forMs;
  }

  kill(): void {
    this.#dead = true;
  }
}

import { promiseHooks } from 'node:v8';

/**
 * Tells whether any promise was made or settled: only then can something wait for a microtask. It
 * saves a turn of the real event loop for most simulated events, and can be wrong in one direction
 * only: to say that something may wait although nothing does.
 */
export class PromiseWatch {
  #stirred = true;
  #stops: readonly (() => void)[] = [];

  start(): void {
    if (this.#stops.length > 0) return;
    const stir = (): void => {
      this.#stirred = true;
    };
    this.#stirred = true;
    this.#stops = [promiseHooks.onInit(stir), promiseHooks.onSettled(stir)].map(
      (stop) => stop as () => void,
    );
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  /** True if something may wait. Without a `start` it may always. */
  get isStirred(): boolean {
    return this.#stirred || this.#stops.length === 0;
  }

  /** Everything that could go on has gone on. */
  settled(): void {
    this.#stirred = false;
  }
}

import { promiseHooks } from 'node:v8';

/**
 * Tells whether any promise was made or settled: only then can something wait for a microtask. It
 * can be wrong in one direction only: to say that something may wait although nothing does.
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

  get isWatching(): boolean {
    return this.#stops.length > 0;
  }

  /** True if something may wait; of no meaning unless it watches. */
  get isStirred(): boolean {
    return this.#stirred;
  }

  /** Everything that could go on has gone on. */
  settled(): void {
    this.#stirred = false;
  }
}

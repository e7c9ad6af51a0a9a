import type { ReplicaEvents } from './api.ts';
import type { Logger } from './ports/logger.ts';

type Listener<E extends keyof ReplicaEvents> = (event: ReplicaEvents[E]) => void;

/** Tells listeners what happened, after the step that caused it; what they throw is logged. */
export class Events {
  readonly #listeners = new Map<keyof ReplicaEvents, Set<Listener<never>>>();
  readonly #logger: Logger;
  readonly #soon: (run: () => void) => void;

  constructor(logger: Logger, soon: (run: () => void) => void) {
    this.#logger = logger;
    this.#soon = soon;
  }

  on<E extends keyof ReplicaEvents>(event: E, listener: Listener<E>): void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener as Listener<never>));
  }

  off<E extends keyof ReplicaEvents>(event: E, listener: Listener<E>): void {
    this.#listeners.get(event)?.delete(listener as Listener<never>);
  }

  emit<E extends keyof ReplicaEvents>(event: E, what: ReplicaEvents[E]): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined || listeners.size === 0) return;
    this.#soon(() => {
      for (const listener of listeners) {
        try {
          (listener as Listener<E>)(what);
        } catch (error) {
          this.#logger.error({ err: error, event }, 'a listener threw');
        }
      }
    });
  }
}

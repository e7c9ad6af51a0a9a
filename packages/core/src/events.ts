import type { ReplicaEvents } from './api.ts';
import type { Logger } from './ports/logger.ts';

export type Emit = <E extends keyof ReplicaEvents>(event: E, what: ReplicaEvents[E]) => void;

type Listener<E extends keyof ReplicaEvents> = (event: ReplicaEvents[E]) => void;

/**
 * Tells listeners what happened, in its order and after the step that caused it. What they throw,
 * at once or by a promise, is logged and changes nothing. Nothing comes after `stopped`.
 */
export class Events {
  readonly #listeners = new Map<keyof ReplicaEvents, Set<Listener<never>>>();
  readonly #logger: Logger;
  readonly #soon: (run: () => void) => void;
  #isOver = false;

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
    if (this.#isOver) return;
    if (event === 'stopped') this.#isOver = true;
    const listeners = this.#listeners.get(event);
    if (listeners === undefined || listeners.size === 0) return;
    this.#soon(() => {
      // Of a copy: whoever begins to listen meanwhile hears the next one.
      for (const listener of new Set(listeners)) {
        if (listeners.has(listener)) this.#tell(event, listener as Listener<E>, what);
      }
    });
  }

  #tell<E extends keyof ReplicaEvents>(
    event: E,
    listener: Listener<E>,
    what: ReplicaEvents[E],
  ): void {
    const threw = (error: unknown): void =>
      this.#logger.error({ err: error, event }, 'a listener threw');
    try {
      const told: unknown = listener(what);
      if (told instanceof Promise) told.catch(threw);
    } catch (error) {
      threw(error);
    }
  }
}

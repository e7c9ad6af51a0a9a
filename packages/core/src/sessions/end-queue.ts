import type { SessionName } from './session-name.ts';
import { compareSessions } from './session-name.ts';

interface Entry<S> {
  readonly session: S;
  readonly endMs: number;
}

const sweepAtMin = 64;

/**
 * Sessions by when they end. Using a session moves its end, and costs nothing here: what comes up
 * too early is put back where it belongs.
 */
export class EndQueue<S extends SessionName & { readonly endMs: number }> {
  #heap: Entry<S>[] = [];
  #sweepAt = sweepAtMin;
  readonly #isOpen: (session: S) => boolean;

  constructor(isOpen: (session: S) => boolean) {
    this.#isOpen = isOpen;
  }

  add(session: S): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    this.#put(session);
  }

  /** Closed sessions do not wait here for their time: at most as many as are open stay. */
  #sweep(): void {
    const open = this.#heap.map(({ session }) => session).filter(this.#isOpen);
    this.#heap = [];
    for (const session of open) this.#put(session);
    this.#sweepAt = Math.max(sweepAtMin, 2 * open.length);
  }

  #put(session: S): void {
    const heap = this.#heap;
    const entry = { session, endMs: session.endMs };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry<S>;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The open session that ends first, if there is one. */
  get first(): S | undefined {
    for (;;) {
      const [entry] = this.#heap;
      if (entry === undefined) return undefined;
      const { session, endMs } = entry;
      const isOpen = this.#isOpen(session);
      if (isOpen && session.endMs === endMs) return session;
      this.#pop();
      if (isOpen) this.#put(session);
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry<S>)) child += 1;
      if (!isBefore(heap[child] as Entry<S>, last)) break;
      heap[at] = heap[child] as Entry<S>;
      at = child;
    }
    heap[at] = last;
  }
}

/** Of two that end at the same time, the one that was opened first. */
const isBefore = <S extends SessionName>(a: Entry<S>, b: Entry<S>): boolean =>
  a.endMs < b.endMs || (a.endMs === b.endMs && compareSessions(a.session, b.session) < 0);

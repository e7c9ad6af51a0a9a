/** Something that happens at a moment of simulated time. */
export interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A heap: the earliest first; of the same moment, the one that was put in first. */
export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  get first(): SimEvent | undefined {
    return this.#heap[0];
  }

  push(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const event: SimEvent = { atMs, order: this.#order, run };
    this.#order += 1;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes the first one away. */
  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as SimEvent)) child += 1;
      if (!isBefore(heap[child] as SimEvent, last)) break;
      heap[at] = heap[child] as SimEvent;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: SimEvent, b: SimEvent): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

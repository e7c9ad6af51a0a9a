/** Time, monotonic, and turns. Every replica has its own; tests give a simulated one. */
export interface Clock {
  /** Milliseconds, monotonic, fractional; the origin means nothing. For time-outs. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump either way. For the stamps of batches (P10). */
  wallMs(): number;
  /** Calls `tick` about every `periodMs` until the returned function is called. */
  everyMs(periodMs: number, tick: () => void): () => void;
  /** Calls `run` once, after the events that are waiting now (in Node: setImmediate). */
  soon(run: () => void): void;
}

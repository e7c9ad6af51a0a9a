/** Sweeps without a sign of life after which a client has stalled. */
export const sweepsPerStall = 3;

/** Tells a client that leaves the server waiting from one that has nothing to say. */
export class StallDetector {
  #progress = 0;
  #silentSweeps = 0;

  /** True if it was the client's turn at several sweeps in a row and it made no progress. */
  sweep(isItsTurn: boolean, progress: number): boolean {
    const isSilent = isItsTurn && progress === this.#progress;
    this.#progress = progress;
    this.#silentSweeps = isSilent ? this.#silentSweeps + 1 : 0;
    return this.#silentSweeps >= sweepsPerStall;
  }
}

/** The largest piece that a saved image comes in: a slice of what may be one huge chunk. */
export const imagePieceBytes = 256 * 1024;

type Chunks = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

/**
 * A header, and then what a state machine saves, in pieces of at most `imagePieceBytes`. Whoever
 * does not walk it to its end calls `return`: what the state machine holds for it is given back.
 */
export class SavedImage implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #chunks: Chunks;
  #left: Uint8Array;
  #hasBegun = false;
  #isOver = false;

  constructor(header: Uint8Array, saved: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    this.#left = header;
    this.#chunks =
      Symbol.asyncIterator in saved ? saved[Symbol.asyncIterator]() : saved[Symbol.iterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#left.length === 0) {
      if (this.#isOver) return over;
      this.#hasBegun = true;
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#isOver = true;
      else this.#left = value;
    }
    const value = this.#left.subarray(0, imagePieceBytes);
    this.#left = this.#left.subarray(value.length);
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { isOver, hasBegun } = { isOver: this.#isOver, hasBegun: this.#hasBegun };
    this.#isOver = true;
    this.#left = nothing;
    if (isOver) return over;
    // A generator that has not begun would end without its `finally`, and keep its frozen view.
    const isMore = hasBegun || (await this.#chunks.next()).done !== true;
    if (isMore) await this.#chunks.return?.();
    return over;
  }
}

const nothing = new Uint8Array(0);
const over = { done: true, value: undefined } as const;

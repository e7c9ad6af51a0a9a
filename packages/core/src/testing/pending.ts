/** What has not been taken, in order, as a linked list; what was taken last is put back first. */
export class Pending<T> {
  readonly all: readonly T[];
  /** The last place is the list's head. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #bits: Uint32Array;
  /** The last of those taken, after each take. */
  readonly #lasts: number[] = [];

  constructor(all: readonly T[]) {
    this.all = all;
    const size = all.length + 1;
    this.#next = Int32Array.from({ length: size }, (_, i) => (i + 1) % size);
    this.#previous = Int32Array.from({ length: size }, (_, i) => (i + size - 1) % size);
    this.#bits = new Uint32Array(Math.ceil(size / 32));
  }

  get taken(): number {
    return this.#lasts.length;
  }

  get isEmpty(): boolean {
    return this.taken === this.all.length;
  }

  *from(): Generator<readonly [number, T]> {
    const head = this.all.length;
    for (let at = this.#after(head); at !== head; at = this.#after(at)) {
      yield [at, this.all[at] as T];
    }
  }

  *left(): Generator<T> {
    for (const [, one] of this.from()) yield one;
  }

  take(at: number): void {
    const [before, after] = [this.#previous[at] as number, this.#after(at)];
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#bits[at >>> 5] = (this.#bits[at >>> 5] as number) | (1 << (at & 31));
    this.#lasts.push(Math.max(at, this.#lasts.at(-1) ?? -1));
  }

  putBack(at: number): void {
    this.#next[this.#previous[at] as number] = at;
    this.#previous[this.#after(at)] = at;
    this.#bits[at >>> 5] = (this.#bits[at >>> 5] as number) & ~(1 << (at & 31));
    this.#lasts.pop();
  }

  /** The set of those taken: everything before the first word, the words, and nothing after. */
  takenText(): string {
    const first = this.#after(this.all.length) >>> 5;
    const last = (this.#lasts.at(-1) ?? -1) >> 5;
    return `${first}:${this.#bits.subarray(first, last + 1).join()}`;
  }

  #after(at: number): number {
    return this.#next[at] as number;
  }
}

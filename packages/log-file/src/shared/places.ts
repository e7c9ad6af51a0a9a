/** Where the appends of one replica group are, in their order: 8 bytes for each. */
const roomMin = 8;

export interface Place {
  /** Sequence number. */
  readonly segment: number;
  readonly offset: number;
}

export const isBefore = (a: Place, b: Place): boolean =>
  a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);

export class Places {
  /** Two for each: segment, offset. */
  #words = new Uint32Array(2 * roomMin);
  #count = 0;

  /** One append is told once, however many records it has. */
  push(segment: number, offset: number): void {
    const end = 2 * this.#count;
    if (this.#words[end - 2] === segment && this.#words[end - 1] === offset) return;
    if (end === this.#words.length) {
      const larger = new Uint32Array(2 * end);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[end] = segment;
    this.#words[end + 1] = offset;
    this.#count += 1;
  }

  /** Those in segments before this one are gone. */
  forget(segment: number): void {
    let gone = 0;
    while (gone < this.#count && (this.#words[2 * gone] as number) < segment) gone += 1;
    if (gone === 0) return;
    const kept = this.#words.slice(2 * gone, 2 * this.#count);
    this.#words = new Uint32Array(2 * Math.max(roomMin, this.#count - gone));
    this.#words.set(kept);
    this.#count -= gone;
  }

  /** As they are now. */
  all(): Place[] {
    const places: Place[] = [];
    for (let i = 0; i < this.#count; i++) {
      places.push({
        segment: this.#words[2 * i] as number,
        offset: this.#words[2 * i + 1] as number,
      });
    }
    return places;
  }
}

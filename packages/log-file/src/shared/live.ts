/** How much of each segment still counts: what of it would have to be copied to let it go. */
export class Live {
  readonly #bytes = new Map<number, number>();
  /** Of all segments. */
  bytes = 0;

  in(segment: number): number {
    return this.#bytes.get(segment) ?? 0;
  }

  add(segment: number, bytes: number): void {
    this.bytes += bytes;
    this.#bytes.set(segment, this.in(segment) + bytes);
  }

  drop(segment: number, bytes: number): void {
    this.bytes -= bytes;
    const left = this.in(segment) - bytes;
    if (left === 0) this.#bytes.delete(segment);
    else this.#bytes.set(segment, left);
  }
}

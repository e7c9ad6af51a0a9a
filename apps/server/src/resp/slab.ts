const slabBytes = 64 * 1024;

/**
 * Memory handed out from front to back and never again, so that many small pieces cost one
 * allocation. A piece keeps its slab alive: they are for what is sent soon, not for what is kept.
 */
export class Slab {
  bytes: Buffer = Buffer.alloc(0);
  /** Everything before it is somebody's. */
  at = 0;

  /** Where a piece of that many bytes begins, in `bytes`. */
  reserve(length: number): number {
    if (this.at + length > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
      this.at = 0;
    }
    const start = this.at;
    this.at += length;
    return start;
  }

  /** Moves the end of a piece, if it is the last one and there is room; says whether. */
  resize(bytes: Buffer, end: number, newEnd: number): boolean {
    if (bytes !== this.bytes || end !== this.at || newEnd > bytes.length) return false;
    this.at = newEnd;
    return true;
  }
}

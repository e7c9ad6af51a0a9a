import type { Damage } from './report.ts';

/** So many are told; the others are counted. */
export const damageMax = 1_000;

/** What was found to be damaged, bounded. */
export class Damages {
  readonly list: Damage[] = [];
  count = 0;

  get isFull(): boolean {
    return this.count >= damageMax;
  }

  add(file: string, offset: number, problem: string): void {
    this.count += 1;
    if (this.list.length < damageMax) this.list.push({ file, offset, problem });
  }

  /** What was found since there were so many was none. */
  backTo(count: number): void {
    this.count = count;
    this.list.length = Math.min(this.list.length, count);
  }
}

import { Deque } from './deque.ts';

const blockItems = 512;
const endItemsMax = 2 * blockItems;

/**
 * The items of one key, with both ends open. What lies between the ends is in blocks that never
 * change, so a copy shares them: it costs at most the ends, and a pointer for each 512 items.
 */
export class List {
  /** Nothing unless there are blocks, or were some: then `back` is all of it. */
  #front: Deque<string> | undefined;
  #middle: Deque<readonly string[]> | undefined;
  #back = new Deque<string>();

  get length(): number {
    return this.#front === undefined ? this.#back.length : this.#before + this.#back.length;
  }

  /** The i-th item, 0 ≤ i < length. */
  at(i: number): string {
    if (this.#front === undefined) return this.#back.at(i);
    const inMiddle = i - this.#front.length;
    if (inMiddle < 0) return this.#front.at(i);
    const inBack = i - this.#before;
    if (inBack >= 0) return this.#back.at(inBack);
    const block = this.#middle?.at(Math.floor(inMiddle / blockItems)) ?? [];
    return block[inMiddle % blockItems] as string;
  }

  push(item: string): void {
    this.#back.push(item);
    if (this.#back.length < endItemsMax) return;
    this.#front ??= new Deque();
    this.#middle ??= new Deque();
    const block: string[] = [];
    for (let i = 0; i < blockItems; i++) block.push(this.#back.shift());
    this.#middle.push(block);
  }

  unshift(item: string): void {
    const front = this.#front ?? this.#back;
    front.unshift(item);
    if (front.length < endItemsMax) return;
    const block: string[] = [];
    for (let i = 0; i < blockItems; i++) block.push(front.pop());
    block.reverse();
    if (this.#front === undefined) {
      this.#front = front;
      this.#back = new Deque();
    }
    this.#middle ??= new Deque();
    this.#middle.unshift(block);
  }

  /** The last item of a list that has one. */
  pop(): string {
    if (this.#back.length === 0) {
      if (this.#middle !== undefined && this.#middle.length > 0) {
        this.#back = new Deque(this.#middle.pop());
      } else this.#isAll(this.#front);
    }
    return this.#back.pop();
  }

  /** The first item of a list that has one. */
  shift(): string {
    if (this.#front === undefined) return this.#back.shift();
    if (this.#front.length === 0) {
      if (this.#middle === undefined || this.#middle.length === 0) this.#isAll(this.#back);
      else this.#front = new Deque(this.#middle.shift());
    }
    return (this.#front ?? this.#back).shift();
  }

  copy(): List {
    const copy = new List();
    copy.#front = this.#front?.copy();
    copy.#middle = this.#middle?.copy();
    copy.#back = this.#back.copy();
    return copy;
  }

  *[Symbol.iterator](): IterableIterator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  get #before(): number {
    return (this.#front?.length ?? 0) + blockItems * (this.#middle?.length ?? 0);
  }

  #isAll(end: Deque<string> | undefined): void {
    this.#back = end ?? this.#back;
    this.#front = undefined;
    this.#middle = undefined;
  }
}

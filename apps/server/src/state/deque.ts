const capacityMin = 4;

/** A list with both ends open, in constant time: a ring whose capacity is a power of two. */
export class Deque<T> {
  #items: (T | undefined)[];
  #head = 0;
  #length = 0;

  constructor(items: readonly T[] = []) {
    let capacity = capacityMin;
    while (capacity < items.length) capacity *= 2;
    this.#items = new Array(capacity);
    for (const item of items) this.#items[this.#length++] = item;
  }

  get length(): number {
    return this.#length;
  }

  /** The i-th item, 0 ≤ i < length. */
  at(i: number): T {
    return this.#items[(this.#head + i) & (this.#items.length - 1)] as T;
  }

  push(item: T): void {
    this.#makeRoom();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length++;
  }

  unshift(item: T): void {
    this.#makeRoom();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = item;
    this.#length++;
  }

  pop(): T {
    const place = (this.#head + this.#length - 1) & (this.#items.length - 1);
    const item = this.#items[place] as T;
    this.#items[place] = undefined;
    this.#length--;
    this.#giveRoomBack();
    return item;
  }

  shift(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length--;
    this.#giveRoomBack();
    return item;
  }

  copy(): Deque<T> {
    const copy = new Deque<T>();
    copy.#items = this.#items.slice();
    copy.#head = this.#head;
    copy.#length = this.#length;
    return copy;
  }

  #makeRoom(): void {
    if (this.#length === this.#items.length) this.#resize(2 * this.#length);
  }

  #giveRoomBack(): void {
    const capacity = this.#items.length;
    if (capacity > capacityMin && this.#length <= capacity / 4) this.#resize(capacity / 2);
  }

  #resize(capacity: number): void {
    const items = new Array<T | undefined>(capacity);
    for (let i = 0; i < this.#length; i++) items[i] = this.at(i);
    this.#items = items;
    this.#head = 0;
  }
}

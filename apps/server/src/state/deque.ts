const capacityMin = 4;

/** A list with both ends open, in constant time: a ring whose capacity is a power of two. */
export class Deque {
  #items: (string | undefined)[] = new Array(capacityMin);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The i-th item, 0 ≤ i < length. */
  at(i: number): string {
    return this.#items[(this.#head + i) & (this.#items.length - 1)] as string;
  }

  push(item: string): void {
    this.#makeRoom();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length++;
  }

  unshift(item: string): void {
    this.#makeRoom();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = item;
    this.#length++;
  }

  pop(): string {
    const place = (this.#head + this.#length - 1) & (this.#items.length - 1);
    const item = this.#items[place] as string;
    this.#items[place] = undefined;
    this.#length--;
    this.#giveRoomBack();
    return item;
  }

  shift(): string {
    const item = this.#items[this.#head] as string;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length--;
    this.#giveRoomBack();
    return item;
  }

  #makeRoom(): void {
    if (this.#length === this.#items.length) this.#resize(2 * this.#length);
  }

  #giveRoomBack(): void {
    const capacity = this.#items.length;
    if (capacity > capacityMin && this.#length <= capacity / 4) this.#resize(capacity / 2);
  }

  #resize(capacity: number): void {
    const items = new Array<string | undefined>(capacity);
    for (let i = 0; i < this.#length; i++) items[i] = this.at(i);
    this.#items = items;
    this.#head = 0;
  }
}

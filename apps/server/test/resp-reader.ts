/** A reply of RESP2 or RESP3 as a test compares it; bulk and simple strings are both strings. */
export type RespValue =
  | string
  | number
  | bigint
  | null
  | RespError
  | readonly RespValue[]
  | ReadonlyMap<RespValue, RespValue>
  | ReadonlySet<RespValue>;

export class RespError {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const refused = (text: string): RespError => new RespError(text);

/** Reads replies one after the other; undefined if the next one is not all there. */
export class RespReader {
  #held = Buffer.alloc(0);
  #at = 0;

  push(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /** True if there are bytes that no reply has used. */
  get hasRest(): boolean {
    return this.#at < this.#held.length;
  }

  next(): RespValue | undefined {
    const start = this.#at;
    const value = this.#read();
    if (value === undefined) this.#at = start;
    return value;
  }

  #read(): RespValue | undefined {
    const end = this.#held.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const kind = this.#held.toString('latin1', this.#at, this.#at + 1);
    const text = this.#held.toString('latin1', this.#at + 1, end);
    this.#at = end + 2;
    switch (kind) {
      case '+':
        return text;
      case '-':
        return new RespError(text);
      case ':':
        return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
      case '_':
        return null;
      case '$':
      case '=':
        return this.#bulk(Number(text), kind);
      case '*':
        return text === '-1' ? null : this.#items(Number(text));
      case '~':
        return inSet(this.#items(Number(text)));
      case '%':
        return inPairs(this.#items(2 * Number(text)));
      default:
        throw new Error(`no RESP: ${kind}${text}`);
    }
  }

  #bulk(length: number, kind: string): string | null | undefined {
    if (length < 0) return null;
    const start = this.#at;
    if (start + length + 2 > this.#held.length) return undefined;
    this.#at += length + 2;
    return this.#held.toString('latin1', start + (kind === '=' ? 4 : 0), start + length);
  }

  #items(count: number): RespValue[] | undefined {
    const items: RespValue[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.#read();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

const inSet = (items: RespValue[] | undefined): ReadonlySet<RespValue> | undefined =>
  items === undefined ? undefined : new Set(items);

function inPairs(items: RespValue[] | undefined): ReadonlyMap<RespValue, RespValue> | undefined {
  if (items === undefined) return undefined;
  const map = new Map<RespValue, RespValue>();
  for (let i = 0; i < items.length; i += 2) {
    map.set(items[i] as RespValue, items[i + 1] as RespValue);
  }
  return map;
}

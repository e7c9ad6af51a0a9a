/**
 * Where a command puts its reply: each call is one RESP value, and an array, map or set is followed
 * by its items. Texts are latin1 strings, one character for each byte.
 */
export interface Reply {
  /** A line such as `OK`. */
  simple(text: string): void;
  /** `WRONGTYPE …`: the first word is the code. */
  error(text: string): void;
  integer(value: number): void;
  /** A 64-bit integer by its digits. */
  digits(digits: string): void;
  bulk(value: string): void;
  null(): void;
  /** Nothing where an array would have been; RESP2 tells the two apart. */
  nullArray(): void;
  array(items: number): void;
  map(pairs: number): void;
  set(items: number): void;
  /** A text for people; plain bulk in RESP2. */
  verbatim(text: string): void;
}

/** For commands whose result nobody waits for. */
export const unheard: Reply = {
  simple() {},
  error() {},
  integer() {},
  digits() {},
  bulk() {},
  null() {},
  nullArray() {},
  array() {},
  map() {},
  set() {},
  verbatim() {},
};

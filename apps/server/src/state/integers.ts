const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
/** This many characters are a safe integer, whatever they are; and so is the sum of two. */
const safeCharactersMax = 15;
const form = /^(?:0|-?[1-9][0-9]{0,18})$/;

export type Integer = number | bigint;

/**
 * A 64-bit integer written the way Redis writes it (no blanks, plus sign or leading zeros), or
 * undefined. A bigint only if the text is so long that it might not be a safe integer.
 */
export function parseInteger(text: string): Integer | undefined {
  if (!form.test(text)) return undefined;
  if (text.length <= safeCharactersMax) return Number(text);
  const value = BigInt(text);
  return value < int64Min || value > int64Max ? undefined : value;
}

/** The sum, or undefined if it does not fit into 64 bits. */
export function add(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = BigInt(a) + BigInt(b);
  return sum < int64Min || sum > int64Max ? undefined : sum;
}

/** The opposite, or undefined for the one number that has none in 64 bits. */
export function negated(a: Integer): Integer | undefined {
  return a === int64Min ? undefined : a === 0 ? 0 : -a;
}

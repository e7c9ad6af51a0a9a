/**
 * What a slot is decided to hold: bytes sealed once by the leader's host and never changed. The
 * first byte says which kind it is; the rest is opaque to the protocol.
 *
 * Whoever holds a value owns its bytes until the slot is forgotten: they are copied out of a frame
 * once or the buffer is taken over, and never written again (P12).
 */
export interface Value {
  readonly bytes: Uint8Array;
  /** CRC-32 (ISO-HDLC, as in zlib) of `bytes`; checked where bytes come in from outside. */
  readonly checksum: number;
}

/** Commands, the end of a configuration, or nothing. */
export type ValueKind = 'batch' | 'stop' | 'no-op';

/** The first byte of a batch. */
export const batchByte = 1;
/** The first byte of a stop. */
export const stopByte = 2;
/** The first byte of a no-op, and its only one. */
export const noOpByte = 3;

/** The value without effect, for holes (P4). */
export const noOp: Value = { bytes: Uint8Array.of(noOpByte), checksum: 0x4b0bbe37 };

/** Bytes that start with none of the three are refused by the codec and never come this far. */
export function kindOf(value: Value): ValueKind {
  const first = value.bytes[0];
  return first === batchByte ? 'batch' : first === stopByte ? 'stop' : 'no-op';
}

/** Identity of a value, as in P3: length and checksum. */
export const sameValue = (a: Value, b: Value): boolean =>
  a === b || (a.bytes.length === b.bytes.length && a.checksum === b.checksum);

/** Memory as bytes and as numbers. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const two32 = 2 ** 32;

export const memoryOf = (bytes: Uint8Array): Memory => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

export const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % two32, true);
  view.setUint32(at + 4, Math.floor(value / two32), true);
}

/** −1 if what is there is not a safe integer. */
export function getUint53(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * two32;
  return Number.isSafeInteger(value) ? value : -1;
}

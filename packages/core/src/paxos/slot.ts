/**
 * A position in the replicated log, 1, 2, 3 …; 0 means "before the first". A safe integer (below
 * 2^53): at a million slots a second that lasts 285 years. One slot holds one value, which holds
 * any number of commands.
 */
export type Slot = number;

/** Before the first slot. */
export const noSlot: Slot = 0;

/** True for a safe integer from 0 on: for guards of what comes from outside. */
export const isSlot = (value: unknown): value is Slot =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Words of the memory that a test shares with `gated-thread.ts`, and what the first may say. */
export const gate = { state: 0, writes: 1, open: 0, shut: 1, exit: 2 } as const;

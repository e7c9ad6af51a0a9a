const MiB = 1024 * 1024;

/**
 * Bounds of the state itself. A command that would exceed one is refused on every replica alike,
 * so they are the same everywhere and no options.
 */
export const stateLimits = {
  /** The heap of expiries is one array, and those of V8 end at 134,217,725 items. */
  keysMax: 100_000_000,
  /** Items of one list, hash or set. */
  itemsMax: 16_000_000,
  /** One string; APPEND can make them longer than a command. */
  stringBytesMax: 32 * MiB,
  /** Beyond this a time cannot be told to the millisecond: 285,000 years. */
  expireAtMsMax: Number.MAX_SAFE_INTEGER,
} as const;

import { InvalidOptionError } from '@rsl/core';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** The most that one chunk on the wire may hold, whoever asks. */
export const chunkBytesMax = MiB;

/** What the snapshot layer goes by, each with its unit in the name. */
export const defaultLayerOptions = {
  // ---- how much log stays below the newest snapshot

  /** For followers a little behind: they learn from the log. Slots below the newest snapshot. */
  retainSlots: 10_000,
  /** The same in bytes of values: what is reached first counts. */
  retainBytes: 64 * MiB,
  /** So many older snapshots can be gone on from too, if the newest turns out to be bad. */
  spareSnapshots: 1,
  /**
   * The most that stays for older snapshots, and for peers that copy one: in slots, in bytes. With
   * less than is executed while one is copied and loaded, whoever fetches is behind again.
   */
  keepSlotsMax: 10_000_000,
  keepBytesMax: 4 * GiB,

  // ---- copying one from a peer

  /** Asked for at a time. */
  chunkBytes: 256 * KiB,
  /** Chunks that are asked for and not yet written: memory is at most their product. */
  windowChunks: 16,
  /** How often everybody is asked what they have. */
  askMs: 1_000,
  /** How long is asked before a source is chosen: somebody may turn out to have the log. */
  gatherMs: 1_000,
  /** A chunk that is missing for so long, while later ones come, is asked for again. */
  askAgainMs: 1_000,
  /** A source that has given nothing for so long is left for another. */
  stallMs: 5_000,
  /** A snapshot of which nobody has given anything for so long is left for another one. */
  giveUpMs: 60_000,
  /** After a write that failed, for example because the medium is full. */
  writeAgainMs: 5_000,
  /**
   * A leader whose newest snapshot is so many slots old copies one from a follower, and so need
   * not save its own; 0: never for that reason.
   */
  copyAfterSlots: 0,
  /** The same after so many bytes of executed values; 0: never for that reason. */
  copyAfterBytes: 0,

  // ---- giving them to peers

  /** Chunks that one peer waits for; what it asks for beyond is dropped, and asked for again. */
  asksPerPeerMax: 64,
  /** Chunks of all peers that are being read: memory is at most this times 1 MiB. */
  readsMax: 16,
  /** Over all peers; 0: no limit. */
  bytesPerSecondMax: 0,
  /**
   * How long a snapshot stays readable, and the log behind it stays, for a peer that makes no
   * progress with it, or is done.
   */
  pinMs: 600_000,
  /** Snapshots that stay for peers. */
  pinsMax: 4,

  // ---- while a snapshot takes the place of the state

  /** Inputs kept for the protocol meanwhile; reads beyond end as if nobody had answered. */
  keptInputsMax: 65_536,
} as const;

/** When to cut, and how to fetch and give; docs/limits.md has the ranges. */
export type LayerOptions = { readonly [K in keyof typeof defaultLayerOptions]: number };

const ranges: Readonly<Record<keyof LayerOptions, readonly [min: number, max: number]>> = {
  retainSlots: [0, Number.MAX_SAFE_INTEGER],
  retainBytes: [0, Number.MAX_SAFE_INTEGER],
  spareSnapshots: [0, 1_024],
  keepSlotsMax: [0, Number.MAX_SAFE_INTEGER],
  keepBytesMax: [0, Number.MAX_SAFE_INTEGER],
  chunkBytes: [512, chunkBytesMax],
  windowChunks: [1, 1_024],
  askMs: [1, 2 ** 31],
  gatherMs: [1, 2 ** 31],
  askAgainMs: [1, 2 ** 31],
  stallMs: [1, 2 ** 31],
  giveUpMs: [1, 2 ** 31],
  writeAgainMs: [1, 2 ** 31],
  copyAfterSlots: [0, Number.MAX_SAFE_INTEGER],
  copyAfterBytes: [0, Number.MAX_SAFE_INTEGER],
  asksPerPeerMax: [1, 65_536],
  readsMax: [1, 1_024],
  bytesPerSecondMax: [0, Number.MAX_SAFE_INTEGER],
  pinMs: [1, 2 ** 31],
  pinsMax: [1, 1_024],
  keptInputsMax: [1, 2 ** 31],
};

/** RSL_INVALID_OPTION for anything that cannot be meant. */
export function completeLayerOptions(given: Partial<LayerOptions> = {}): LayerOptions {
  const out: Record<string, number> = { ...defaultLayerOptions };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(ranges, name)) throw new InvalidOptionError(name, 'is no such option');
    checkRange(name as keyof LayerOptions, value);
    out[name] = value;
  }
  const complete = out as LayerOptions;
  checkTogether(complete);
  return complete;
}

function checkRange(name: keyof LayerOptions, value: number): void {
  const [min, max] = ranges[name];
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new InvalidOptionError(name, `an integer from ${min} to ${max}, not ${String(value)}`);
}

function checkTogether({ giveUpMs, pinMs, askAgainMs, stallMs }: LayerOptions): void {
  if (stallMs < askAgainMs) {
    const why = 'at least askAgainMs, or a source is left before it was asked again';
    throw new InvalidOptionError('stallMs', why);
  }
  if (giveUpMs < 2 * stallMs) {
    throw new InvalidOptionError('giveUpMs', 'at least twice stallMs: another source is tried');
  }
  if (pinMs < giveUpMs) {
    const why = 'at least giveUpMs, or what a peer waits for goes before it has given up';
    throw new InvalidOptionError('pinMs', why);
  }
}

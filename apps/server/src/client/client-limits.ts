const KiB = 1024;
const MiB = 1024 * KiB;

/** Every bound on what clients may make this process hold. */
export const defaultClientLimits = {
  /** Connections at a time; one more is told so and closed. */
  connectionsMax: 4_096,
  /** One command as it comes in; a transaction's queue; the keys that a connection watches. */
  commandBytesMax: 512 * KiB,
  argumentsMax: 65_536,
  /** A command typed as a line. */
  inlineBytesMax: 64 * KiB,
  /** Writes in a row are proposed together up to here; reads in a row are read together. */
  bundleBytesMax: 64 * KiB,
  /** Of one connection; beyond, its socket is not read. */
  pendingCommandsMax: 16_384,
  pendingBytesMax: 1 * MiB,
  /** Half commands and pending commands of all connections together. */
  heldBytesMax: 256 * MiB,
  /** Replies that a connection has not taken; beyond, nothing more is executed for it. */
  outputPauseBytes: 1 * MiB,
  /** One reply; a larger one closes the connection. */
  outputBytesMax: 64 * MiB,
  /** A client that leaves half a command, or its replies, for so long is closed. */
  stallMs: 60_000,
  /** How long a command is tried. */
  timeoutMs: 10_000,
} as const;

export type ClientLimits = { readonly [K in keyof typeof defaultClientLimits]: number };

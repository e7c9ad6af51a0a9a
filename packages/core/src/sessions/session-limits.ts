/**
 * Bounds of the session table. They decide what is executed, so they are the same on every replica:
 * part of the format, and no options.
 */
export const sessionLimits = {
  /** Sessions of one group. Another one is refused. */
  sessionsMax: 16_384,
  /** Sequences of a session that have executed, or wait, above what its client has acknowledged. */
  sessionWindowMax: 4_096,
  /** Results kept for one session; beyond it all of its results are forgotten. */
  sessionResultBytesMax: 4 * 1024 * 1024,
  /** Results kept for all; beyond it those of the sessions used longest ago are forgotten. */
  resultBytesMax: 256 * 1024 * 1024,
  /** What a kept result counts beside its bytes. */
  resultOverheadBytes: 64,
  /** For how long a session may be unused, in time in which a leader could propose. */
  sessionTtlMsMin: 1_000,
  sessionTtlMsMax: 86_400_000,
} as const;

const KiB = 1024;
const MiB = 1024 * KiB;

/** Of a frame, what is kept for all that is not its value. */
export const frameOverheadBytes = 64 * KiB;

/** Every bound of a replica, with its unit in the name. Change single ones with `limits: {…}`. */
export const defaultLimits = {
  /** One command, as bytes. A larger one is refused at `propose`. */
  commandBytesMax: 1 * MiB,
  /** A batch is sealed when it holds this much; a single large command, or one more replica's
   * share, may make it larger. */
  batchBytesMax: 256 * KiB,
  batchCommandsMax: 8_192,
  /** Slots that a leader has proposed and not yet seen decided (the pipeline). */
  slotsInFlightMax: 64,
  /** Commands of this replica's callers that wait for a result, from the oldest to the newest that
   * was taken in; and their bytes. */
  pendingCommandsMax: 262_144,
  pendingBytesMax: 64 * MiB,
  /** Commands of other replicas that a leader has taken in and not yet proposed. */
  forwardedBytesMax: 64 * MiB,
  /** Reads of this replica's callers that wait. */
  pendingReadsMax: 65_536,
  /** One frame on the wire. */
  frameBytesMax: 8 * MiB,
  /** Queued for one peer and lane. */
  sendQueueBytesMax: 16 * MiB,
  /** Frames of commands on their way to a leader that has not yet said that it has them. */
  forwardsInFlightMax: 64,
  /**
   * Values given to the log that are not durable yet. Beyond it a leader proposes nothing, and a
   * follower takes in neither votes nor learned values until its disk has caught up.
   */
  logQueueBytesMax: 64 * MiB,
  /**
   * Room in the log that is kept for promises, no-ops and adopted values (S5): with less than this
   * a leader takes in no commands, with less than half of it a follower takes in no values.
   */
  logReserveBytes: 16 * MiB,
  /** Recent values kept in memory to serve followers without reading the log. */
  cacheBytesMax: 32 * MiB,
  /** Votes that a follower takes in beyond the first slot it misses; at least slotsInFlightMax. */
  voteAheadSlotsMax: 256,
  /** The newest executed slots, kept for streams of them: their values, and 256 bytes each. */
  streamBytesMax: 16 * MiB,
  /** Streams of executed slots that wait for the next one. */
  streamsMax: 1_024,
  /**
   * With the engine on a thread of its own: decided slots on their way to the state machine, and
   * commands that the engine has and did not yet propose or send on. Memory for both is taken at
   * the start, the latter twice; the former is rounded down to a power of two, 4 KiB at least.
   */
  slotRingBytesMax: 16 * MiB,
  stagedBytesMax: 4 * MiB,
  /** Values in one 1b and in one learn-reply; whoever asked asks for the rest. */
  partBytesMax: 1 * MiB,
  /** Members of one configuration. */
  membersMax: 31,
} as const;

/** Every bound, by name: integers, 1 … 2^31. */
export type Limits = { readonly [K in keyof typeof defaultLimits]: number };

/** Durations, in milliseconds of a monotonic clock. */
export const defaultTimings = {
  /** How often a replica looks at its timers. */
  tickMs: 10,
  heartbeatMs: 50,
  /** A follower stands after this to twice this without a leader; drawn anew each time (L5). */
  electionTimeoutMsMin: 300,
  /** Who asks whether it may stand and hears no quorum asks again after this to twice this. */
  candidateTimeoutMsMin: 200,
  /** A leader that cannot learn what lies below its first slot stands again (R7). */
  learnStallMs: 2_000,
  /** A leader whose own log has been silent for this long gives its place to another (L3). */
  leaderStallMs: 1_000,
  /** How long an unanswered learn-request is waited for. */
  learnRetryMs: 200,
  /** How often a replica tells the others where its store stands, if that has changed (S2a). */
  standingIntervalMs: 500,
  /** How often a replica without a configuration asks where the group is (S10, L7). */
  whereIntervalMs: 500,
  /** A group that has had nothing to do for so long goes without heartbeats and ticks until it has
   * (`Sleep`); 0: never. At least electionTimeoutMsMin; the same for all members. */
  sleepAfterMs: 0,
} as const;

/** How long something may take before the logger is warned of it, in milliseconds. */
export const defaultSlow = {
  /** One slot in the state machine: votes and heartbeats wait for it. One heartbeat. */
  executeMs: 50,
  /** From the moment the log was given something until it is durable. Half of leaderStallMs. */
  appendMs: 500,
  /** From the moment a turn was due until it ended. Half of electionTimeoutMsMin. */
  turnMs: 150,
} as const;

/** Every threshold of a warning, by name: integers, 1 … 2^31 ms. */
export type Slow = { readonly [K in keyof typeof defaultSlow]: number };

/** Every duration, by name: integers, 1 … 2^31 ms. */
export type Timings = { readonly [K in keyof typeof defaultTimings]: number };

import type { CallOptions, ReadLevel } from '../api.ts';
import { InvalidOptionError } from '../errors.ts';
import { checkGroup, checkInteger, merged, two31 } from '../options.ts';
import type { ClientConnector } from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Random } from '../ports/random.ts';
import type { CommandCodec } from '../ports/state-machine.ts';
import { sessionLimits } from '../sessions/session-limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Every bound of a client, with its unit in the name. */
export const defaultClientLimits = {
  /** Commands from the oldest that waits to the newest; at most `sessionWindowMax`. */
  pendingCommandsMax: sessionLimits.sessionWindowMax as number,
  pendingBytesMax: 16 * MiB,
  /** One command, as bytes; or what the replica that it is connected to takes, if that is less. */
  commandBytesMax: 1 * MiB,
  /** Questions that wait for their answers. */
  pendingQuestionsMax: 1_024,
  /** Commands and bytes of them in one frame; a single large command may be more. */
  frameCommandsMax: 1_024,
  frameCommandBytesMax: 256 * KiB,
} as const;

/** Every bound of a client, by name: integers, 1 … 2^31. */
export type ClientLimits = { readonly [K in keyof typeof defaultClientLimits]: number };

/** How long a replica tries before it says so; then the command is sent again. */
export const relayTimeoutMs = 10_000;

/** Durations, in milliseconds of a monotonic clock. */
export const defaultClientTimings = {
  tickMs: 20,
  /** A connection that does not get as far as a welcome. */
  connectTimeoutMs: 2_000,
  /** Between two attempts to connect: doubled each time, up to the other, and drawn (L6). */
  retryMsMin: 50,
  retryMsMax: 2_000,
  /**
   * A replica that owes an answer, and gives none for so long, is left for another: for twice as
   * long each time, up to the other, until one answers (L6).
   */
  answerMsMin: 2_000,
  answerMsMax: 8_000,
  /**
   * Nobody's word leads back to an address that was left before it has rested for so long: twice
   * as long each time, up to the other, unless it was stayed at for four times as long (L6).
   */
  restMsMin: 1_000,
  restMsMax: 60_000,
} as const;

/** Every duration of a client, by name: integers, 1 … 2^31 ms. */
export type ClientTimings = { readonly [K in keyof typeof defaultClientTimings]: number };

/** What `connectClient` is given. Only the first three are needed. */
export interface ClientOptions<C = Uint8Array, R = Uint8Array> {
  /** The group's name. */
  readonly group: string;
  /** Of replicas that take clients in, 1 … 64; leaders elsewhere are found by what these say. */
  readonly addresses: readonly string[];
  readonly connector: ClientConnector;
  /** Of the state machine, as `typed(…).codec` has it; bytes as they are unless given. */
  readonly codec?: CommandCodec<C, R>;
  /** The session ends when unused for so long, 1,000 … 86,400,000 ms; 30,000 unless given. */
  readonly sessionTtlMs?: number;
  readonly limits?: Partial<ClientLimits>;
  readonly timings?: Partial<ClientTimings>;
  readonly logger?: Logger;
  /** For tests: simulated time and chance. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Of one query. */
export interface QueryOptions extends CallOptions {
  /**
   * `linearizable` unless given; the others are about the replica that is asked, which waits for
   * the slot of `atLeast`: RSL_SLOT_NOT_REACHED at the deadline.
   */
  readonly level?: ReadLevel;
}

/** InvalidOptionError names the option, its range and the value. */
export function checkedClientOptions<C, R>(
  options: ClientOptions<C, R>,
): {
  readonly limits: ClientLimits;
  readonly timings: ClientTimings;
  readonly ttlMs: number;
} {
  const { addresses, group, sessionTtlMs: ttlMs = 30_000 } = options;
  checkGroup(group);
  if (!Array.isArray(addresses) || addresses.length < 1 || addresses.length > 64) {
    throw new InvalidOptionError('addresses', '1 to 64 addresses');
  }
  const { sessionTtlMsMax, sessionTtlMsMin, sessionWindowMax } = sessionLimits;
  checkInteger('sessionTtlMs', ttlMs, sessionTtlMsMin, sessionTtlMsMax);
  const limits = merged('limits', defaultClientLimits, options.limits, two31);
  const timings = merged('timings', defaultClientTimings, options.timings, two31);
  checkInteger('limits.pendingCommandsMax', limits.pendingCommandsMax, 1, sessionWindowMax);
  // Later the replica itself says that it could do nothing, and is owed nothing any more.
  checkInteger('timings.answerMsMax', timings.answerMsMax, 1, relayTimeoutMs - 1);
  for (const name of ['answer', 'rest', 'retry'] as const) {
    checkInteger(`timings.${name}MsMin`, timings[`${name}MsMin`], 1, timings[`${name}MsMax`]);
  }
  return { limits, timings, ttlMs };
}

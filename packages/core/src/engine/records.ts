/** The bytes of what goes through the rings: one process, one build, so the machine's own order. */
import type { Ballot } from '../paxos/ballot.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import { copied } from '../codec/bytes.ts';
import type { Progress } from '../host/halves.ts';

export interface SlotRecord {
  readonly slot: Slot;
  readonly live: boolean;
  readonly value: Value;
}

/** A slot's words and its bytes, which are copied on the other side (P12). */
export function writeSlot({ slot, live, value }: SlotRecord): readonly Uint8Array[] {
  return [bytesOf([slot, value.checksum, live ? 1 : 0]), value.bytes];
}

export function readSlot(bytes: Uint8Array): SlotRecord {
  const [slot = 0, checksum = 0, live] = numbersOf(bytes, 3);
  return { slot, live: live === 1, value: { bytes: copied(bytes, 24), checksum } };
}

const ballotNumbers = ({ configuration, round, proposer }: Ballot): number[] => [
  configuration,
  round,
  proposer,
];

/** Commands, and the ballot of the leader that they were taken for. */
export const writeSegment = (ballot: Ballot, segment: Uint8Array): readonly Uint8Array[] => [
  bytesOf(ballotNumbers(ballot)),
  segment,
];

export function readSegment(bytes: Uint8Array): { ballot: Ballot; segment: Uint8Array } {
  const [configuration = 0, round = 0, proposer = 0] = numbersOf(bytes, 3);
  return { ballot: { configuration, round, proposer }, segment: copied(bytes, 24) };
}

/** Nothing is due. */
const never = Infinity;

export function writeProgress(progress: Progress): readonly Uint8Array[] {
  const { executedThrough, timeMs, sealedIn, wakeAtMs = never } = progress;
  const { endsInMs = never } = progress.sessions;
  return [bytesOf([executedThrough, timeMs, ...ballotNumbers(sealedIn), wakeAtMs, endsInMs])];
}

export function readProgress(bytes: Uint8Array): Progress {
  const [executedThrough = 0, timeMs = 0, configuration = 0, round = 0, proposer = 0, wake, ends] =
    numbersOf(bytes, 7);
  return {
    executedThrough,
    timeMs,
    sealedIn: { configuration, round, proposer },
    wakeAtMs: wake === never ? undefined : wake,
    sessions: { endsInMs: ends === never ? undefined : ends },
  };
}

export const writeNumber = (number: number): readonly Uint8Array[] => [bytesOf([number])];

export const readNumber = (bytes: Uint8Array): number => numbersOf(bytes, 1)[0] ?? 0;

const bytesOf = (numbers: readonly number[]): Uint8Array =>
  new Uint8Array(Float64Array.from(numbers).buffer);

const numbersOf = (bytes: Uint8Array, count: number): Float64Array =>
  new Float64Array(copied(bytes, 0, 8 * count).buffer);

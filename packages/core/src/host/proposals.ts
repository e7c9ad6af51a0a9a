import { ensures, requires } from '@rsl/contracts';
import type { ManyResults } from '../api.ts';
import {
  encodeSegment,
  headerBytesOf,
  segmentBytesOf,
  segmentHeaderBytesMax,
  type SegmentOrigin,
} from '../codec/segment.ts';
import {
  AbortedError,
  ClosedError,
  CommandTooLargeError,
  OutcomeUnknownError,
  type RslError,
} from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type Ballot, compareBallots, sameBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import { late, overloaded, passedOver } from './proposal-errors.ts';
import { control, ProposalRing, type Under } from './proposal-ring.ts';

const done = 0;
/** It waits, and was not sent. */
const queued = 1;
/** It was sent, and may be executed. */
const sent = 2;
/** It waits to be sent again, under a session, and may have been executed. */
const again = 3;

/** Commands given to the leader of `ballot`: sequences from `from` up to, not with, `to`. */
interface Run {
  readonly ballot: Ballot;
  readonly from: number;
  readonly to: number;
}

export interface ProposalsOptions {
  readonly self: ReplicaId;
  /** Random: tells this start's sequences from those of an earlier one. */
  readonly epoch: number;
  readonly limits: Pick<Limits, 'commandBytesMax' | 'pendingBytesMax' | 'pendingCommandsMax'>;
}

/**
 * The commands of this replica's callers, from the call to the result, in rings indexed by
 * sequence: no object, promise or closure for each. A command is `queued`, then `sent` to the
 * leader of some ballot. Whoever has executed a batch of a higher ballot, and has not seen the
 * command executed, knows that it never will be (see `Execution`): only then is it queued again,
 * so that nothing is ever executed twice.
 */
export class Proposals {
  readonly #options: ProposalsOptions;
  readonly #ring = new ProposalRing();
  /** The lowest sequence that is not done; everything below is. */
  #head = 1;
  /** The next sequence to give. */
  #tail = 1;
  /** Nothing below is queued. */
  #cursor = 1;
  #queuedCount = 0;
  #pendingCount = 0;
  #pendingBytes = 0;
  #nextDeadlineMs = Infinity;
  #runs: Run[] = [];

  constructor(options: ProposalsOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#options.epoch;
  }

  /** Commands that wait to be sent to a leader. */
  get queuedCount(): number {
    return this.#queuedCount;
  }

  /** Every command up to here has its result, or its error. */
  get doneThrough(): number {
    return this.#head - 1;
  }

  /** The sequence that the next command gets. */
  get next(): number {
    return this.#tail;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes all or none: RSL_OVERLOADED, RSL_COMMAND_TOO_LARGE. Gives the first sequence. Under a
   * session the commands are its sequences from `firstNumber` on.
   */
  add(
    commands: readonly Uint8Array[],
    sink: ManyResults,
    deadlineMs: number,
    under?: Under | typeof control,
    firstNumber = 0,
  ): number {
    const { commandBytesMax, pendingBytesMax, pendingCommandsMax } = this.#options.limits;
    let bytes = 0;
    for (const { length } of commands) {
      if (length > commandBytesMax && under !== control)
        throw new CommandTooLargeError(length, commandBytesMax);
      bytes += length;
    }
    if (this.#pendingBytes + bytes > pendingBytesMax)
      throw overloaded('pendingBytesMax', pendingBytesMax);
    // Sequences, not only what is pending: the ring spans from the oldest to the newest.
    if (this.#tail - this.#head + commands.length > pendingCommandsMax) {
      throw overloaded('pendingCommandsMax', pendingCommandsMax);
    }
    const first = this.#tail;
    this.#ring.grow(this.#head, this.#tail, commands.length);
    for (let i = 0; i < commands.length; i += 1) {
      const at = this.#ring.at(first + i);
      this.#ring.commands[at] = commands[i];
      this.#ring.sinks[at] = sink;
      this.#ring.places[at] = i;
      this.#ring.deadlines[at] = deadlineMs;
      this.#ring.states[at] = queued;
      this.#ring.under[at] = under;
      this.#ring.numbers[at] = firstNumber + i;
    }
    this.#tail += commands.length;
    this.#queuedCount += commands.length;
    this.#pendingCount += commands.length;
    this.#pendingBytes += bytes;
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, deadlineMs);
    return first;
  }

  /** The next queued commands as a segment; they are sent, in `ballot`, from now on. */
  takeSegment(ballot: Ballot, commandsMax: number, bytesMax: number): Uint8Array | undefined {
    if (this.#queuedCount === 0) return undefined;
    this.#toNextQueued();
    const from = this.#cursor;
    const header = this.#headerAt(from);
    const commands: Uint8Array[] = [];
    let bytes = headerBytesOf(header);
    while (this.#cursor < this.#tail && commands.length < commandsMax) {
      const at = this.#ring.at(this.#cursor);
      const command = this.#ring.commands[at];
      if (!isWaiting(this.#ring.states[at]) || command === undefined) break;
      if (!this.#follows(this.#cursor, from)) break;
      bytes += segmentBytesOf(command.length);
      if (commands.length > 0 && bytes > bytesMax) break;
      commands.push(command);
      this.#ring.states[at] = sent;
      this.#cursor += 1;
    }
    this.#queuedCount -= commands.length;
    this.#addRun(ballot, from, this.#cursor);
    ensures(
      () => commands.length > 0 && this.#cursor === from + commands.length,
      'proposals-1 a segment is consecutive sequences, at least one',
    );
    return encodeSegment(header, commands);
  }

  /** The next queued commands as segments: one for each session among them, within both bounds. */
  takeSegments(ballot: Ballot, commandsMax: number, bytesMax: number): Uint8Array[] {
    const segments: Uint8Array[] = [];
    const before = this.#queuedCount;
    for (let bytes = 0; bytes < bytesMax || segments.length === 0; ) {
      const left = commandsMax - (before - this.#queuedCount);
      if (left <= 0 || (segments.length > 0 && this.#nextBytes > bytesMax - bytes)) break;
      const segment = this.takeSegment(ballot, left, bytesMax - bytes);
      if (segment === undefined) break;
      segments.push(segment);
      bytes += segment.length;
    }
    return segments;
  }

  #toNextQueued(): void {
    while (!isWaiting(this.#ring.states[this.#ring.at(this.#cursor)])) this.#cursor += 1;
  }

  /** What the next queued command takes as a segment of its own; 0 if there is none. */
  get #nextBytes(): number {
    if (this.#queuedCount === 0) return 0;
    this.#toNextQueued();
    const bytes = this.#ring.commands[this.#ring.at(this.#cursor)]?.length ?? 0;
    return segmentHeaderBytesMax + segmentBytesOf(bytes);
  }

  #addRun(ballot: Ballot, from: number, to: number): void {
    const last = this.#runs.at(-1);
    if (last === undefined || last.to !== from || !sameBallot(last.ballot, ballot)) {
      this.#runs.push({ ballot, from, to });
    } else {
      this.#runs[this.#runs.length - 1] = { ballot, from: last.from, to };
    }
  }

  #headerAt(sequence: number): SegmentOrigin {
    const { self: origin, epoch } = this.#options;
    const at = this.#ring.at(sequence);
    const under = this.#ring.under[at];
    const plain = { origin, epoch, firstSequence: sequence };
    if (under === undefined) return plain;
    if (under === control) return { ...plain, isControl: true };
    const { slot, offset, acknowledged } = under;
    const firstSequence = this.#ring.numbers[at] as number;
    return { ...plain, session: { slot, offset, firstSequence, acknowledged } };
  }

  /** Of the same session, with consecutive numbers; or both of none. */
  #follows(sequence: number, from: number): boolean {
    const at = this.#ring.at(sequence);
    const first = this.#ring.at(from);
    const under = this.#ring.under[at];
    if (under !== this.#ring.under[first]) return false;
    if (under === undefined || under === control) return true;
    return (
      (this.#ring.numbers[at] as number) - (this.#ring.numbers[first] as number) === sequence - from
    );
  }

  /** True if somebody waits for the result of this sequence. */
  wants(sequence: number): boolean {
    if (sequence < this.#head || sequence >= this.#tail) return false;
    return this.#ring.states[this.#ring.at(sequence)] !== done;
  }

  /** Nobody has been given it: whoever answers it is wrong. */
  isUnsent(sequence: number): boolean {
    if (sequence >= this.#tail) return true;
    return this.wants(sequence) && this.#ring.states[this.#ring.at(sequence)] === queued;
  }

  /** The command was executed: its caller gets the result. */
  resolve(sequence: number, result: Uint8Array): void {
    if (!this.wants(sequence)) return;
    const at = this.#ring.at(sequence);
    requires(() => this.#ring.states[at] !== queued, 'proposals-2 only what was sent is executed');
    if (isWaiting(this.#ring.states[at])) this.#queuedCount -= 1;
    const sink = this.#ring.sinks[at];
    const place = this.#ring.places[at] as number;
    this.#finish(sequence);
    sink?.result(place, result);
  }

  /** Everybody has seen the command, and nobody executes it: its caller hears why. */
  refuse(sequence: number, error: RslError): void {
    if (this.wants(sequence)) this.#fail(sequence, () => error);
  }

  /**
   * This replica has executed a batch that was sealed in `ballot`: what was sent in lower ballots
   * and not executed never will be, and may be sent again.
   */
  requeueBelow(ballot: Ballot): void {
    this.#requeue(ballot, queued);
  }

  /**
   * What was sent in lower ballots may be sent again, although it may have been executed: all of it
   * is under a session.
   */
  resendBelow(ballot: Ballot): void {
    this.#requeue(ballot, again);
  }

  /** The same for one command. */
  resend(sequence: number): void {
    if (this.wants(sequence)) this.#putBack(sequence, again);
  }

  /**
   * Slots were passed over here: nobody on this replica sees what they executed. What was sent may
   * have been among it, so it is asked again under its session, or its outcome is unknown. Words
   * about sessions may be said twice: a session more than was asked for ends by itself.
   */
  passOver(): void {
    this.#runs = [];
    for (let s = this.#head, end = this.#tail; s < end; s += 1) {
      const at = this.#ring.at(s);
      if (this.#ring.states[at] !== sent) continue;
      if (this.#ring.under[at] === undefined) this.#fail(s, passedOver);
      else this.#putBack(s, again);
    }
  }

  #requeue(ballot: Ballot, state: number): void {
    if (!this.#runs.some((run) => compareBallots(run.ballot, ballot) < 0)) return;
    const stale = this.#runs.filter((run) => compareBallots(run.ballot, ballot) < 0);
    this.#runs = this.#runs.filter((run) => compareBallots(run.ballot, ballot) >= 0);
    for (const run of stale) {
      for (let s = Math.max(run.from, this.#head); s < run.to; s += 1) this.#putBack(s, state);
    }
  }

  #putBack(sequence: number, state: number): void {
    const at = this.#ring.at(sequence);
    if (this.#ring.states[at] !== sent) return;
    requires(
      () => state === queued || this.#ring.under[at] !== undefined,
      'proposals-5 what may have been executed is sent again under a session only (P9)',
    );
    this.#ring.states[at] = state;
    this.#queuedCount += 1;
    this.#cursor = Math.min(this.#cursor, sequence);
  }

  /** Ends what has waited too long; `cause`: why nobody could be given it, if it is that. */
  expire(nowMs: number, cause?: Error): void {
    if (nowMs < this.#nextDeadlineMs) return;
    let next = Infinity;
    const over: number[] = [];
    for (let s = this.#head; s < this.#tail; s += 1) {
      const at = this.#ring.at(s);
      if (this.#ring.states[at] === done) continue;
      const deadlineMs = this.#ring.deadlines[at] as number;
      if (deadlineMs <= nowMs) over.push(s);
      else next = Math.min(next, deadlineMs);
    }
    this.#nextDeadlineMs = next;
    for (const s of over) this.#fail(s, (state) => late(state !== queued, cause));
  }

  /** The caller does not want to wait any more. */
  cancel(sequence: number, reason: unknown): void {
    if (!this.wants(sequence)) return;
    this.#fail(sequence, (state) =>
      state === queued
        ? new AbortedError(reason)
        : new OutcomeUnknownError('aborted after it was proposed; it may still execute', {
            cause: reason,
          }),
    );
  }

  /** Its session has ended: what became of all that was sent is not known, and not asked again. */
  giveUpSent(error: RslError): void {
    for (let s = this.#head, end = this.#tail; s < end; s += 1) {
      const state = this.#ring.states[this.#ring.at(s)];
      if (state === sent || state === again) this.#fail(s, () => error);
    }
  }

  /** The replica ends. */
  closeAll(cause: RslError | undefined): void {
    const why = cause === undefined ? 'was closed' : `stopped: ${cause.message}`;
    const options = cause === undefined ? undefined : { cause };
    for (let s = this.#head, end = this.#tail; s < end; s += 1) {
      if (!this.wants(s)) continue;
      this.#fail(s, (state) =>
        state === queued
          ? new ClosedError(`the replica ${why}`, options)
          : new OutcomeUnknownError(`the replica ${why}; the command may still execute`, options),
      );
    }
  }

  #fail(sequence: number, error: (state: number) => RslError): void {
    const at = this.#ring.at(sequence);
    const state = this.#ring.states[at] as number;
    if (isWaiting(state)) this.#queuedCount -= 1;
    const sink = this.#ring.sinks[at];
    const place = this.#ring.places[at] as number;
    this.#finish(sequence);
    sink?.error(place, error(state));
  }

  #finish(sequence: number): void {
    const at = this.#ring.at(sequence);
    this.#pendingBytes -= this.#ring.commands[at]?.length ?? 0;
    this.#pendingCount -= 1;
    this.#ring.commands[at] = undefined;
    this.#ring.sinks[at] = undefined;
    this.#ring.under[at] = undefined;
    this.#ring.states[at] = done;
    while (this.#head < this.#tail && this.#ring.states[this.#ring.at(this.#head)] === done)
      this.#head += 1;
    this.#cursor = Math.max(this.#cursor, this.#head);
    while (this.#runs.length > 0 && (this.#runs[0] as Run).to <= this.#head) this.#runs.shift();
    ensures(
      () => this.#pendingCount >= 0 && this.#pendingBytes >= 0,
      'proposals-3 each command ends once',
    );
    ensures(
      () => this.#pendingBytes === 0,
      'proposals-4 bytes are given back with their commands',
      () => this.#pendingCount === 0,
    );
  }
}

const isWaiting = (state: number | undefined): boolean => state === queued || state === again;

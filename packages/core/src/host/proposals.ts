import { ensures, requires } from '@rsl/contracts';
import type { ManyResults } from '../api.ts';
import { encodeSegment, segmentBytesOf, segmentHeaderBytes } from '../codec/batch.ts';
import {
  AbortedError,
  ClosedError,
  CommandTooLargeError,
  NotLeaderError,
  OutcomeUnknownError,
  OverloadedError,
  type RslError,
} from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type Ballot, compareBallots } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';

const done = 0;
const queued = 1;
const sent = 2;

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
  readonly limits: Limits;
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
  #capacity = 1_024;
  #commands: (Uint8Array | undefined)[] = new Array(1_024).fill(undefined);
  #sinks: (ManyResults | undefined)[] = new Array(1_024).fill(undefined);
  #places = new Uint32Array(1_024);
  #deadlines = new Float64Array(1_024);
  #states = new Uint8Array(1_024);
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

  get pendingCount(): number {
    return this.#pendingCount;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Takes all or none: RSL_OVERLOADED, RSL_COMMAND_TOO_LARGE. Gives the first sequence. */
  add(commands: readonly Uint8Array[], sink: ManyResults, deadlineMs: number): number {
    const { commandBytesMax, pendingBytesMax, pendingCommandsMax } = this.#options.limits;
    let bytes = 0;
    for (const { length } of commands) {
      if (length > commandBytesMax) throw new CommandTooLargeError(length, commandBytesMax);
      bytes += length;
    }
    if (this.#pendingBytes + bytes > pendingBytesMax)
      throw overloaded('pendingBytesMax', pendingBytesMax);
    // Sequences, not only what is pending: the ring spans from the oldest to the newest.
    if (this.#tail - this.#head + commands.length > pendingCommandsMax) {
      throw overloaded('pendingCommandsMax', pendingCommandsMax);
    }
    const first = this.#tail;
    this.#grow(this.#tail - this.#head + commands.length);
    for (let i = 0; i < commands.length; i += 1) {
      const at = this.#at(first + i);
      this.#commands[at] = commands[i];
      this.#sinks[at] = sink;
      this.#places[at] = i;
      this.#deadlines[at] = deadlineMs;
      this.#states[at] = queued;
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
    while (this.#states[this.#at(this.#cursor)] !== queued) this.#cursor += 1;
    const from = this.#cursor;
    const commands: Uint8Array[] = [];
    let bytes = segmentHeaderBytes;
    while (this.#cursor < this.#tail && commands.length < commandsMax) {
      const at = this.#at(this.#cursor);
      const command = this.#commands[at];
      if (this.#states[at] !== queued || command === undefined) break;
      bytes += segmentBytesOf(command.length);
      if (commands.length > 0 && bytes > bytesMax) break;
      commands.push(command);
      this.#states[at] = sent;
      this.#cursor += 1;
    }
    this.#queuedCount -= commands.length;
    this.#runs.push({ ballot, from, to: this.#cursor });
    ensures(
      () => commands.length > 0 && this.#cursor === from + commands.length,
      'proposals-1 a segment is consecutive sequences, at least one',
    );
    const { self: origin, epoch } = this.#options;
    return encodeSegment({ origin, epoch, firstSequence: from }, commands);
  }

  /** True if somebody waits for the result of this sequence. */
  wants(sequence: number): boolean {
    if (sequence < this.#head || sequence >= this.#tail) return false;
    return this.#states[this.#at(sequence)] !== done;
  }

  /** The command was executed: its caller gets the result. */
  resolve(sequence: number, result: Uint8Array): void {
    if (!this.wants(sequence)) return;
    const at = this.#at(sequence);
    requires(() => this.#states[at] === sent, 'proposals-2 only what was sent is executed');
    if (this.#states[at] === queued) this.#queuedCount -= 1;
    const sink = this.#sinks[at];
    const place = this.#places[at] as number;
    this.#finish(sequence);
    sink?.result(place, result);
  }

  /** The command was decided and nobody executes it: its caller hears why. */
  refuse(sequence: number, error: RslError): void {
    if (this.wants(sequence)) this.#fail(sequence, () => error);
  }

  /**
   * This replica has executed a batch that was sealed in `ballot`: what was sent in lower ballots
   * and not executed never will be, and may be sent again.
   */
  requeueBelow(ballot: Ballot): void {
    if (!this.#runs.some((run) => compareBallots(run.ballot, ballot) < 0)) return;
    const stale = this.#runs.filter((run) => compareBallots(run.ballot, ballot) < 0);
    this.#runs = this.#runs.filter((run) => compareBallots(run.ballot, ballot) >= 0);
    for (const run of stale) {
      for (let s = Math.max(run.from, this.#head); s < run.to; s += 1) {
        const at = this.#at(s);
        if (this.#states[at] !== sent) continue;
        this.#states[at] = queued;
        this.#queuedCount += 1;
        this.#cursor = Math.min(this.#cursor, s);
      }
    }
  }

  /** Ends what has waited too long. */
  expire(nowMs: number): void {
    if (nowMs < this.#nextDeadlineMs) return;
    let next = Infinity;
    const late: number[] = [];
    for (let s = this.#head; s < this.#tail; s += 1) {
      const at = this.#at(s);
      if (this.#states[at] === done) continue;
      const deadlineMs = this.#deadlines[at] as number;
      if (deadlineMs <= nowMs) late.push(s);
      else next = Math.min(next, deadlineMs);
    }
    this.#nextDeadlineMs = next;
    for (const s of late) {
      this.#fail(s, (state) =>
        state === queued
          ? new NotLeaderError('no leader took the command before its deadline; try again')
          : new OutcomeUnknownError(
              'the deadline passed after the command was proposed; it may still execute: ' +
                'read back what it would have changed before sending it again',
            ),
      );
    }
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
    const at = this.#at(sequence);
    const state = this.#states[at] as number;
    if (state === queued) this.#queuedCount -= 1;
    const sink = this.#sinks[at];
    const place = this.#places[at] as number;
    this.#finish(sequence);
    sink?.error(place, error(state));
  }

  #finish(sequence: number): void {
    const at = this.#at(sequence);
    this.#pendingBytes -= this.#commands[at]?.length ?? 0;
    this.#pendingCount -= 1;
    this.#commands[at] = undefined;
    this.#sinks[at] = undefined;
    this.#states[at] = done;
    while (this.#head < this.#tail && this.#states[this.#at(this.#head)] === done) this.#head += 1;
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

  #at(sequence: number): number {
    return sequence & (this.#capacity - 1);
  }

  /** Room for `count` sequences from `#head` on; a power of two. */
  #grow(count: number): void {
    if (count <= this.#capacity) return;
    let capacity = this.#capacity;
    while (capacity < count) capacity *= 2;
    const commands = new Array<Uint8Array | undefined>(capacity).fill(undefined);
    const sinks = new Array<ManyResults | undefined>(capacity).fill(undefined);
    const places = new Uint32Array(capacity);
    const deadlines = new Float64Array(capacity);
    const states = new Uint8Array(capacity);
    for (let s = this.#head; s < this.#tail; s += 1) {
      const from = this.#at(s);
      const to = s & (capacity - 1);
      commands[to] = this.#commands[from];
      sinks[to] = this.#sinks[from];
      places[to] = this.#places[from] as number;
      deadlines[to] = this.#deadlines[from] as number;
      states[to] = this.#states[from] as number;
    }
    this.#capacity = capacity;
    this.#commands = commands;
    this.#sinks = sinks;
    this.#places = places;
    this.#deadlines = deadlines;
    this.#states = states;
  }
}

const overloaded = (limit: string, max: number): OverloadedError =>
  new OverloadedError(limit, `as much as ${limit}, ${max}, is waiting; slow down and try again`);

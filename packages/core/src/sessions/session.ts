import { ensures, invariant, requires } from '@rsl/contracts';
import { FrameError } from '../errors.ts';
import { type SessionId, sessionIdOf, type SessionName } from './session-name.ts';
import { sessionLimits } from './session-limits.ts';

const { resultOverheadBytes, sessionWindowMax } = sessionLimits;

/**
 * What a sequence of a session is: `new`, it may execute; `executed`, with its result kept; `gone`,
 * executed, with a result that is not kept any more; `refused`, it may execute once its client has
 * acknowledged more.
 */
export type Standing = 'new' | 'executed' | 'gone' | 'refused';

/** A session that waits for nothing gives back a ring that is larger than this. */
const roomyAt = 256;
const isNew = 0;
const isExecuting = 1;
const isExecuted = 2;
const isGone = 3;

/** One client's commands, each executed at most once (P9). */
export class Session implements SessionName {
  readonly slot: number;
  readonly offset: number;
  readonly id: SessionId;
  readonly ttlMs: number;
  /** When it was used last, in led time. */
  usedMs: number;
  /** Its client has the results of all sequences up to here. */
  acknowledged = 0;
  /** Of kept results. */
  bytes = 0;
  #through = 0;
  #states = new Uint8Array(16);
  #results: (Uint8Array | undefined)[] = new Array<undefined>(16).fill(undefined);

  constructor({ slot, offset }: SessionName, ttlMs: number, usedMs: number) {
    this.slot = slot;
    this.offset = offset;
    this.id = sessionIdOf({ slot, offset });
    this.ttlMs = ttlMs;
    this.usedMs = usedMs;
  }

  /** Led time after which it has ended unless it is used. */
  get endMs(): number {
    return this.usedMs + this.ttlMs;
  }

  /** The highest sequence that has executed, or that is acknowledged. */
  get through(): number {
    return this.#through;
  }

  standingOf(sequence: number): Standing {
    if (sequence <= this.acknowledged) return 'gone';
    if (sequence <= this.#through) {
      const state = this.#states[this.#at(sequence)];
      if (state === isGone) return 'gone';
      if (state !== isNew) return 'executed';
    }
    return sequence - this.acknowledged <= sessionWindowMax ? 'new' : 'refused';
  }

  /** It is executed now, whatever else comes in the same slot. */
  begin(sequence: number): void {
    requires(() => this.standingOf(sequence) === 'new', 'session-1 a sequence executes once (P9)');
    this.#start(sequence);
  }

  #start(sequence: number): void {
    this.#grow(sequence - this.acknowledged);
    this.#through = Math.max(this.#through, sequence);
    this.#states[this.#at(sequence)] = isExecuting;
  }

  /**
   * Undefined: it has executed, and its result is not known here. What executes later does not
   * depend on that. Gives the bytes it takes.
   */
  finish(sequence: number, result: Uint8Array | undefined): number {
    // Acknowledged in the very slot that it executed in.
    if (sequence <= this.acknowledged) return 0;
    const at = this.#at(sequence);
    requires(() => this.#states[at] === isExecuting, 'session-2 what finishes has begun (P9)');
    this.#states[at] = result === undefined ? isGone : isExecuted;
    this.#results[at] = result;
    const bytes = result === undefined ? 0 : result.length + resultOverheadBytes;
    this.bytes += bytes;
    return bytes;
  }

  /** The result kept for a sequence that has executed. */
  resultOf(sequence: number): Uint8Array | undefined {
    if (sequence <= this.acknowledged || sequence > this.#through) return undefined;
    return this.#results[this.#at(sequence)];
  }

  /** Of a saved session: it has executed. */
  restore(sequence: number, result: Uint8Array | undefined): void {
    const order = this.#through < sequence && sequence - this.acknowledged <= sessionWindowMax;
    if (!order) throw new FrameError('executed sequences in no order, or too many');
    this.#start(sequence);
    this.finish(sequence, result);
  }

  /** Its client has the results up to here, and asks for them no more. Gives the bytes set free. */
  acknowledge(through: number): number {
    const before = this.bytes;
    const last = Math.min(through, this.#through);
    for (let s = this.acknowledged + 1; s <= last; s += 1) this.#forget(s, isNew);
    this.acknowledged = Math.max(this.acknowledged, through);
    this.#through = Math.max(this.#through, through);
    if (this.acknowledged === this.#through && this.#states.length > roomyAt) this.#reset();
    ensures(() => this.acknowledged >= through, 'session-3 what is acknowledged stays so (P9)');
    invariant(
      () => this.bytes === 0,
      'session-4 bytes are given back with their results',
      () => this.acknowledged === this.#through,
    );
    return before - this.bytes;
  }

  /** Keeps that they have executed, and no result. Gives the bytes set free. */
  forgetResults(): number {
    const before = this.bytes;
    for (let s = this.acknowledged + 1; s <= this.#through; s += 1) {
      if (this.#states[this.#at(s)] === isExecuted) this.#forget(s, isGone);
    }
    ensures(() => this.bytes === 0, 'session-5 without results it takes no bytes');
    return before;
  }

  /** Sequences above what is acknowledged that have executed, in order, with what is kept. */
  *executed(): Iterable<readonly [sequence: number, result: Uint8Array | undefined]> {
    for (let s = this.acknowledged + 1; s <= this.#through; s += 1) {
      if (this.#states[this.#at(s)] !== isNew) yield [s, this.#results[this.#at(s)]];
    }
  }

  #forget(sequence: number, state: number): void {
    const at = this.#at(sequence);
    const result = this.#results[at];
    if (result !== undefined) this.bytes -= result.length + resultOverheadBytes;
    this.#results[at] = undefined;
    this.#states[at] = state;
  }

  #at(sequence: number): number {
    return sequence & (this.#states.length - 1);
  }

  #reset(): void {
    this.#states = new Uint8Array(16);
    this.#results = new Array<undefined>(16).fill(undefined);
  }

  /** Room for so many sequences above what is acknowledged; a power of two. */
  #grow(count: number): void {
    const { length } = this.#states;
    if (count <= length) return;
    let capacity = length;
    while (capacity < count) capacity *= 2;
    const states = new Uint8Array(capacity);
    const results = new Array<Uint8Array | undefined>(capacity).fill(undefined);
    for (let s = this.acknowledged + 1; s <= this.#through; s += 1) {
      states[s & (capacity - 1)] = this.#states[this.#at(s)] as number;
      results[s & (capacity - 1)] = this.#results[this.#at(s)];
    }
    this.#states = states;
    this.#results = results;
  }
}

import type { BatchReader } from '../codec/batch.ts';
import type { SegmentHeader, SessionPart } from '../codec/segment.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Batch } from '../ports/state-machine.ts';
import { decodeControl, encodeName } from '../sessions/control.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionId } from '../sessions/session-name.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** Why a command was not executed: the same on every replica. */
export type Refusal = 'expired' | 'gone' | 'window' | 'sessions';
export type Answer = Uint8Array | Refusal;

/** A command of a session: its first time here, or once more. */
interface UnderSession {
  readonly session: Session;
  readonly sequence: number;
  readonly isFirst: boolean;
}

const nothing = new Uint8Array(0);

/**
 * What becomes of each command of one slot, and the batch of those that execute: all of them, but
 * for repeated commands of a session and words about sessions (P9).
 */
export class SlotPlan implements Batch {
  readonly #reader: BatchReader;
  readonly #sessions: Sessions;
  /** Places of the commands that execute, unless all do. */
  readonly #chosen: number[] = [];
  readonly #under: (UnderSession | undefined)[] = [];
  readonly #answers: (Answer | undefined)[] = [];
  #isWhole = true;
  /** Sessions closed in this slot, in order. */
  closed: Session[] = [];
  slot: Slot = 0;
  timeMs = 0;
  live = false;

  constructor(reader: BatchReader, sessions: Sessions) {
    this.#reader = reader;
    this.#sessions = sessions;
  }

  // ---- the batch, as the state machine sees it

  get count(): number {
    return this.#isWhole ? this.#reader.count : this.#chosen.length;
  }

  get bytes(): Uint8Array {
    return this.#reader.bytes;
  }

  start(i: number): number {
    return this.#reader.start(this.placeOf(i));
  }

  end(i: number): number {
    return this.#reader.end(this.placeOf(i));
  }

  session(i: number): SessionId | undefined {
    return this.#isWhole ? undefined : this.#under[this.placeOf(i)]?.session.id;
  }

  /** The place, among all commands of the slot, of the i-th one that executes. */
  placeOf(i: number): number {
    return this.#isWhole ? i : (this.#chosen[i] as number);
  }

  /** Places of the commands that execute; undefined: all that the slot has. */
  get places(): Uint32Array | undefined {
    const isAll = this.#isWhole || this.#chosen.length === this.#reader.count;
    return isAll ? undefined : Uint32Array.from(this.#chosen);
  }

  // ---- before it executes

  /** The reader holds a batch: decides what executes, and does what is said about sessions. */
  begin(slot: Slot, timeMs: number, live: boolean): void {
    this.slot = slot;
    this.timeMs = timeMs;
    this.live = live;
    this.closed = [];
    const { count, segments } = this.#reader;
    this.#clear(count);
    this.#isWhole = segments.every(({ isControl, session }) => !isControl && session === undefined);
    if (this.#isWhole) return;
    this.#chosen.length = 0;
    let at = 0;
    for (const segment of segments) {
      this.#plan(segment, at);
      at += segment.count;
    }
  }

  #clear(count: number): void {
    const has = this.#answers.length;
    this.#answers.fill(undefined, 0, Math.min(has, count));
    this.#under.fill(undefined, 0, Math.min(has, count));
    for (let i = has; i < count; i += 1) {
      this.#answers.push(undefined);
      this.#under.push(undefined);
    }
  }

  #plan({ count, isControl, session }: SegmentHeader, at: number): void {
    if (isControl) {
      for (let i = at; i < at + count; i += 1) this.#answers[i] = this.#control(i);
    } else if (session === undefined) {
      for (let i = at; i < at + count; i += 1) this.#chosen.push(i);
    } else {
      this.#planUnder(session, at, count);
    }
  }

  #planUnder(part: SessionPart, at: number, count: number): void {
    const session = this.#sessions.use(part);
    if (session === undefined) {
      for (let i = at; i < at + count; i += 1) this.#answers[i] = 'expired';
      return;
    }
    this.#sessions.acknowledge(session, part.acknowledged);
    for (let i = 0; i < count; i += 1) this.#planOne(session, part.firstSequence + i, at + i);
  }

  #planOne(session: Session, sequence: number, place: number): void {
    const standing = session.standingOf(sequence);
    if (standing === 'gone' || standing === 'refused') {
      this.#answers[place] = standing === 'gone' ? 'gone' : 'window';
      return;
    }
    const isFirst = standing === 'new';
    this.#under[place] = { session, sequence, isFirst };
    if (!isFirst) return;
    session.begin(sequence);
    this.#chosen.push(place);
  }

  #control(place: number): Answer {
    const { bytes } = this.#reader;
    const word = decodeControl(bytes.subarray(this.#reader.start(place), this.#reader.end(place)));
    if (word.kind === 'open') {
      const session = this.#sessions.open({ slot: this.slot, offset: place }, word.ttlMs);
      return session === undefined ? 'sessions' : encodeName(session);
    }
    const session = this.#sessions.use(word.name);
    if (session === undefined) return 'expired';
    if (word.kind === 'use') {
      this.#sessions.acknowledge(session, word.acknowledged);
    } else {
      this.#sessions.close(session);
      this.closed.push(session);
    }
    return nothing;
  }

  // ---- when it has executed

  /** True if a session keeps the result of the i-th command that executes. */
  isKept(i: number): boolean {
    return !this.#isWhole && this.#under[this.placeOf(i)] !== undefined;
  }

  /** The result of the i-th command that executes. */
  answer(i: number, result: Uint8Array): void {
    this.#answers[this.placeOf(i)] = result;
  }

  /** Every result is there; or none, if the state had the effect of this slot before. */
  finish(isKnown: boolean): void {
    if (this.#isWhole) return;
    const { count } = this.#reader;
    for (let place = 0; place < count; place += 1) {
      const under = this.#under[place];
      if (under === undefined || !under.isFirst) continue;
      const { sequence, session } = under;
      const result = isKnown ? (this.#answers[place] as Uint8Array) : undefined;
      if (this.#sessions.isOpen(session)) this.#sessions.finish(session, sequence, result);
    }
    for (let place = 0; place < count; place += 1) {
      const under = this.#under[place];
      if (under === undefined || under.isFirst) continue;
      this.#answers[place] = this.#resultOf(under, place);
    }
  }

  /** What its caller hears; undefined if nobody wanted to know. */
  answerAt(place: number): Answer | undefined {
    return this.#answers[place];
  }

  #resultOf({ session, sequence }: UnderSession, place: number): Answer {
    const kept = session.resultOf(sequence);
    if (kept !== undefined) return kept;
    // Executed, closed or acknowledged in this very slot: the result is in it.
    const first = this.#under.findIndex(
      (other, at) => at < place && other?.session === session && other.sequence === sequence,
    );
    return first < 0 ? 'gone' : (this.#answers[first] ?? 'gone');
  }
}

import { ensures, invariant, requires } from '@rsl/contracts';
import { copied } from '../codec/bytes.ts';
import { EndQueue } from './end-queue.ts';
import { Session } from './session.ts';
import { sessionLimits } from './session-limits.ts';
import { type SessionId, sessionIdOf, type SessionName } from './session-name.ts';

const { resultBytesMax, sessionResultBytesMax, sessionsMax, sessionTtlMsMax, sessionTtlMsMin } =
  sessionLimits;

/**
 * The sessions of a group. Part of the replicated state: the same on every replica after the same
 * slot, whatever was asked of which replica (P9).
 *
 * A session ends when it is closed, or has not been used for its time-out. That time is *led*: time
 * in which a leader could propose, as each batch says. In any other nobody can use a session.
 */
export class Sessions {
  readonly #open = new Map<SessionId, Session>();
  /** Those with results that are kept, the one used longest ago first. */
  readonly #holding = new Map<SessionId, Session>();
  #ends = new EndQueue<Session>((session) => this.isOpen(session));
  ledMs = 0;
  /** Of kept results. */
  bytes = 0;

  get count(): number {
    return this.#open.size;
  }

  /** Led time has passed. */
  pass(ms: number): void {
    requires(() => ms >= 0, 'sessions-1 time never goes back (P10)');
    this.ledMs += ms;
  }

  /** Undefined: there are too many. The time-out is brought within its bounds. */
  open(name: SessionName, ttlMs: number, usedMs: number = this.ledMs): Session | undefined {
    requires(() => !this.#open.has(sessionIdOf(name)), 'sessions-2 a name is given once (P9)');
    if (this.#open.size >= sessionsMax) return undefined;
    const bounded = Math.min(sessionTtlMsMax, Math.max(sessionTtlMsMin, ttlMs));
    const session = new Session(name, bounded, usedMs);
    this.#open.set(session.id, session);
    this.#ends.add(session);
    return session;
  }

  /** An open session, which is used by that; never made by it (P9). */
  use(name: SessionName): Session | undefined {
    const session = this.#open.get(sessionIdOf(name));
    if (session === undefined) return undefined;
    session.usedMs = this.ledMs;
    if (this.#holding.delete(session.id)) this.#holding.set(session.id, session);
    return session;
  }

  isOpen(session: Session): boolean {
    return this.#open.get(session.id) === session;
  }

  acknowledge(session: Session, through: number): void {
    this.bytes -= session.acknowledge(through);
    if (session.bytes === 0) this.#holding.delete(session.id);
  }

  /**
   * The sequence has executed with this result; undefined if it is not known here. A copy is kept:
   * the caller may write into its own, which may be a small part of something large.
   */
  finish(session: Session, sequence: number, result: Uint8Array | undefined): void {
    this.bytes += session.finish(sequence, result === undefined ? undefined : copied(result));
    if (session.bytes > sessionResultBytesMax) this.#forget(session);
    if (session.bytes > 0) this.#holding.set(session.id, session);
    while (this.bytes > resultBytesMax) this.#forgetOldest();
    invariant(
      () => this.bytes === sum([...this.#open.values()].map(({ bytes }) => bytes)),
      'sessions-3 results are counted once, and those of an ended session not at all',
    );
  }

  /** False: it was not open. */
  close(name: SessionName): boolean {
    const session = this.#open.get(sessionIdOf(name));
    if (session === undefined) return false;
    this.#open.delete(session.id);
    this.#holding.delete(session.id);
    this.bytes -= session.bytes;
    return true;
  }

  /** Ends those that were not used in time, and gives them in the order of their ends. */
  expire(): readonly Session[] {
    const ended: Session[] = [];
    for (let next = this.#ends.first; next !== undefined; next = this.#ends.first) {
      if (next.endMs >= this.ledMs) break;
      this.close(next);
      ended.push(next);
    }
    ensures(
      () => [...this.#open.values()].every(({ endMs }) => endMs >= this.ledMs),
      'sessions-4 none outlives its time-out (P9)',
    );
    return ended;
  }

  /** How much led time has to pass until some session ends; undefined without sessions. */
  get endsInMs(): number | undefined {
    const { first } = this.#ends;
    return first === undefined ? undefined : first.endMs + 1 - this.ledMs;
  }

  /** Forgets its own, and goes on with those of `restored`, which is not used any more. */
  become(restored: Sessions): void {
    this.#open.clear();
    this.#holding.clear();
    this.#ends = new EndQueue<Session>((session) => this.isOpen(session));
    for (const session of restored.all()) {
      this.#open.set(session.id, session);
      this.#ends.add(session);
    }
    for (const session of restored.holding()) this.#holding.set(session.id, session);
    this.ledMs = restored.ledMs;
    this.bytes = restored.bytes;
  }

  /** In the order in which they were opened. */
  all(): Iterable<Session> {
    return this.#open.values();
  }

  /** Those with results that are kept, the one used longest ago first. */
  holding(): Iterable<Session> {
    return this.#holding.values();
  }

  /** A restored session; called for each in the order in which they were used. */
  hold(session: Session): void {
    requires(() => session.bytes > 0, 'sessions-5 only results that are there are held');
    this.#holding.set(session.id, session);
    this.bytes += session.bytes;
  }

  #forgetOldest(): void {
    const [oldest] = this.#holding.values();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(session: Session): void {
    this.#holding.delete(session.id);
    this.bytes -= session.forgetResults();
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

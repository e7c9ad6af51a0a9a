import type { SessionId } from '../sessions/session-name.ts';
import { check } from './checkers/check-failed.ts';

/** A command that was sent and is not answered. */
export interface Waiting {
  readonly sequence: number;
  /** Of the command, in the whole simulation. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** How often it was sent. */
  sent: number;
}

/** What a client with a session remembers from turn to turn, whichever replicas it asks. */
export class SimSession {
  id: SessionId | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #answers = new Map<number, Uint8Array>();
  #next = 1;
  #acknowledged = 0;
  /** Commands that were answered after they had been sent more than once. */
  retried = 0;

  get waiting(): readonly Waiting[] {
    return [...this.#waiting.values()];
  }

  /** It has all answers up to here. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Another session: what waited in the last one is given up. */
  begin(id: SessionId): void {
    this.id = id;
    this.#waiting.clear();
    this.#answers.clear();
    this.#next = 1;
    this.#acknowledged = 0;
  }

  take(number: number, bytes: Uint8Array): void {
    const sequence = this.#next++;
    this.#waiting.set(sequence, { sequence, number, bytes, sent: 0 });
  }

  /** True for the first answer; each other one has to be the same (P9). */
  answer({ number, sequence, sent }: Waiting, result: Uint8Array): boolean {
    const known = this.#answers.get(number);
    if (known !== undefined) {
      check(Buffer.compare(known, result) === 0, () => {
        return `command ${number} has two results: ${hex(known)} and ${hex(result)} (P9)`;
      });
      return false;
    }
    this.#answers.set(number, result);
    this.#waiting.delete(sequence);
    if (sent > 1) this.retried += 1;
    const [first] = this.#waiting.keys();
    this.#acknowledged = (first ?? this.#next) - 1;
    return true;
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

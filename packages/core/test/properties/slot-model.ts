import { type Ballot, compareBallots, zeroBallot } from '../../src/paxos/ballot.ts';
import { type Bounds, SessionsModel } from './sessions-model.ts';

export type Word =
  | { readonly kind: 'open'; readonly ttlMs: number }
  | { readonly kind: 'close'; readonly id: string }
  | { readonly kind: 'use'; readonly id: string; readonly acknowledged: number };

/** Commands as the model sees them: texts, each with the result that it will have. */
export type Piece =
  | { readonly kind: 'plain'; readonly commands: readonly string[] }
  | { readonly kind: 'words'; readonly words: readonly Word[] }
  | {
      readonly kind: 'session';
      readonly id: string;
      readonly first: number;
      readonly acknowledged: number;
      readonly commands: readonly string[];
    };

export interface Slotful {
  readonly slot: number;
  readonly ballot: Ballot;
  readonly stampMs: number;
  readonly ledMs: number;
  readonly pieces: readonly Piece[];
}

/** A command that was sent once more: what has become of it is known when the slot is over. */
interface Repeated {
  readonly executed: ReadonlyMap<number, Uint8Array | undefined>;
  readonly key: string;
  readonly sequence: number;
}

/** What every replica makes of a log, as the rules say it (P9, P10). */
export class SlotModel {
  readonly sessions: SessionsModel;
  readonly #resultOf: (command: string) => string;
  #sealedIn: Ballot = zeroBallot;
  timeMs = 0;
  /** Of all slots: what the state machine is given, in order. */
  readonly executed: string[] = [];
  readonly ended: string[] = [];
  /** Of every session that ever was. */
  readonly ids: string[] = [];

  constructor(bounds: Bounds, resultOf: (command: string) => string) {
    this.sessions = new SessionsModel(bounds);
    this.#resultOf = resultOf;
  }

  /** What the callers of all commands hear, or undefined if nobody hears anything: it is void. */
  run({ slot, ballot, ledMs, stampMs, pieces }: Slotful): readonly string[] | undefined {
    if (compareBallots(ballot, this.#sealedIn) < 0) return undefined;
    const timeMs = Math.max(this.timeMs, stampMs);
    this.sessions.pass(ledMs);
    this.#sealedIn = ballot;
    this.timeMs = timeMs;
    const one = new OneSlot(this.sessions, slot, this.#resultOf);
    for (const piece of pieces) one.plan(piece);
    this.executed.push(...one.executed);
    this.ids.push(...one.opened);
    const answers = one.finish();
    const ended = [...one.closed, ...this.sessions.expire()];
    this.ended.push(...ended.map((id) => `${id} at ${slot} ${timeMs}`));
    return answers;
  }
}

class OneSlot {
  readonly #sessions: SessionsModel;
  readonly #slot: number;
  readonly #resultOf: (command: string) => string;
  readonly #answers: (string | Repeated)[] = [];
  /** Sequences that execute in this slot, with their results. */
  readonly #begun = new Map<string, { id: string; sequence: number; result: string }>();
  readonly executed: string[] = [];
  readonly opened: string[] = [];
  readonly closed: string[] = [];

  constructor(sessions: SessionsModel, slot: number, resultOf: (command: string) => string) {
    this.#sessions = sessions;
    this.#slot = slot;
    this.#resultOf = resultOf;
  }

  plan(piece: Piece): void {
    if (piece.kind === 'plain') {
      this.executed.push(...piece.commands);
      this.#answers.push(...piece.commands.map(this.#resultOf));
    } else if (piece.kind === 'words') {
      for (const word of piece.words) this.#answers.push(this.#say(word));
    } else if (this.#sessions.use(piece.id)) {
      this.#sessions.acknowledge(piece.id, piece.acknowledged);
      for (const [i, command] of piece.commands.entries()) {
        this.#answers.push(this.#planOne(piece.id, piece.first + i, command));
      }
    } else {
      this.#answers.push(...piece.commands.map(() => 'RSL_SESSION_EXPIRED'));
    }
  }

  finish(): readonly string[] {
    for (const { id, sequence, result } of this.#begun.values()) {
      if (this.#sessions.open.has(id)) this.#sessions.finish(id, sequence, Buffer.from(result));
    }
    return this.#answers.map((answer) =>
      typeof answer === 'string' ? answer : this.#again(answer),
    );
  }

  #say(word: Word): string {
    if (word.kind === 'open') {
      const offset = this.#answers.length;
      if (!this.#sessions.add(this.#slot, offset, word.ttlMs)) return 'RSL_OVERLOADED';
      const id = `${this.#slot}.${offset}`;
      this.opened.push(id);
      return id;
    }
    if (!this.#sessions.use(word.id)) return 'RSL_SESSION_EXPIRED';
    if (word.kind === 'use') this.#sessions.acknowledge(word.id, word.acknowledged);
    else {
      this.#sessions.close(word.id);
      this.closed.push(word.id);
    }
    return '';
  }

  #planOne(id: string, sequence: number, command: string): string | Repeated {
    const key = `${id} ${sequence}`;
    const { acknowledged, executed } = this.#sessions.at(id);
    const isAcknowledged = sequence <= acknowledged;
    if (!isAcknowledged && this.#begun.has(key)) return { executed, key, sequence };
    const standing = this.#sessions.standing(id, sequence);
    if (standing === 'gone') return 'RSL_RESULT_GONE';
    if (standing === 'refused') return 'RSL_OVERLOADED';
    if (standing === 'executed') return { executed, key, sequence };
    const result = this.#resultOf(command);
    this.#begun.set(key, { id, sequence, result });
    this.executed.push(command);
    return result;
  }

  #again({ executed, key, sequence }: Repeated): string {
    const kept = executed.get(sequence);
    if (kept !== undefined) return Buffer.from(kept).toString();
    return this.#begun.get(key)?.result ?? 'RSL_RESULT_GONE';
  }
}

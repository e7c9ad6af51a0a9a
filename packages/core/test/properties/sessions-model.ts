import type { Standing } from '../../src/sessions/session.ts';

export interface Bounds {
  readonly resultBytesMax: number;
  readonly resultOverheadBytes: number;
  readonly sessionResultBytesMax: number;
  readonly sessionTtlMsMax: number;
  readonly sessionTtlMsMin: number;
  readonly sessionWindowMax: number;
  readonly sessionsMax: number;
}

interface Known {
  readonly slot: number;
  readonly offset: number;
  readonly ttlMs: number;
  usedMs: number;
  acknowledged: number;
  /** Above what is acknowledged; undefined: its result is not kept. */
  readonly executed: Map<number, Uint8Array | undefined>;
}

/** Rule P9 by the letter: lists and maps, and no ring, heap or running sum. */
export class SessionsModel {
  readonly #bounds: Bounds;
  readonly open = new Map<string, Known>();
  /** Ids of those with results, the one used longest ago first. */
  held: string[] = [];
  ledMs = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  add(slot: number, offset: number, ttlMs: number): boolean {
    const { sessionTtlMsMax, sessionTtlMsMin, sessionsMax } = this.#bounds;
    if (this.open.size >= sessionsMax) return false;
    const bounded = Math.max(sessionTtlMsMin, Math.min(sessionTtlMsMax, ttlMs));
    const rest = { usedMs: this.ledMs, acknowledged: 0, executed: new Map() };
    this.open.set(`${slot}.${offset}`, { slot, offset, ttlMs: bounded, ...rest });
    return true;
  }

  use(id: string): boolean {
    const known = this.open.get(id);
    if (known === undefined) return false;
    known.usedMs = this.ledMs;
    if (this.held.includes(id)) this.#toEnd(id);
    return true;
  }

  acknowledge(id: string, through: number): void {
    const known = this.at(id);
    known.acknowledged = Math.max(known.acknowledged, through);
    for (const s of known.executed.keys()) if (s <= through) known.executed.delete(s);
    if (this.bytesOf(id) === 0) this.held = this.held.filter((other) => other !== id);
  }

  standing(id: string, sequence: number): Standing {
    const { acknowledged, executed } = this.at(id);
    if (sequence <= acknowledged) return 'gone';
    if (executed.has(sequence)) return executed.get(sequence) === undefined ? 'gone' : 'executed';
    return sequence > acknowledged + this.#bounds.sessionWindowMax ? 'refused' : 'new';
  }

  finish(id: string, sequence: number, result: Uint8Array | undefined): void {
    const known = this.at(id);
    if (sequence > known.acknowledged) known.executed.set(sequence, result);
    if (this.bytesOf(id) > this.#bounds.sessionResultBytesMax) {
      this.#forget(id);
      this.held = this.held.filter((other) => other !== id);
    }
    if (this.bytesOf(id) > 0 && !this.held.includes(id)) this.held.push(id);
    while (this.bytes > this.#bounds.resultBytesMax) this.#forget(this.held.shift() as string);
  }

  close(id: string): boolean {
    this.held = this.held.filter((other) => other !== id);
    return this.open.delete(id);
  }

  pass(ms: number): void {
    this.ledMs += ms;
  }

  /** Ids of those that end now, in the order of their ends. */
  expire(): string[] {
    const late = this.#byEnd().filter(({ usedMs, ttlMs }) => this.ledMs - usedMs > ttlMs);
    const ids = late.map(({ slot, offset }) => `${slot}.${offset}`);
    for (const id of ids) this.close(id);
    return ids;
  }

  get endsInMs(): number | undefined {
    const [first] = this.#byEnd();
    return first && first.usedMs + first.ttlMs + 1 - this.ledMs;
  }

  get bytes(): number {
    return [...this.open.keys()].reduce((sum, id) => sum + this.bytesOf(id), 0);
  }

  bytesOf(id: string): number {
    const kept = [...this.at(id).executed.values()].filter((r) => r !== undefined);
    return kept.reduce((sum, { length }) => sum + length + this.#bounds.resultOverheadBytes, 0);
  }

  at(id: string): Known {
    const known = this.open.get(id);
    if (known === undefined) throw new Error(`${id} is not open`);
    return known;
  }

  #byEnd(): Known[] {
    const end = ({ usedMs, ttlMs }: Known): number => usedMs + ttlMs;
    const named = (a: Known, b: Known): number => a.slot - b.slot || a.offset - b.offset;
    return [...this.open.values()].sort((a, b) => end(a) - end(b) || named(a, b));
  }

  #forget(id: string): void {
    const { executed } = this.at(id);
    for (const s of executed.keys()) executed.set(s, undefined);
  }

  #toEnd(id: string): void {
    this.held = [...this.held.filter((other) => other !== id), id];
  }
}

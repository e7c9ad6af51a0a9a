import type { ManyResults } from '../api.ts';

/** The session that commands are proposed under, by its name; it numbers them itself, from 1. */
export interface Under {
  slot: number;
  offset: number;
  /** The caller has the results of all its sequences up to here. */
  acknowledged: number;
}

/** Words about sessions; not of the state machine's commands. */
export const control = 'control';

/** Columns of pending commands, each at the place of its sequence: no object for a command. */
export class ProposalRing {
  commands: (Uint8Array | undefined)[] = [];
  sinks: (ManyResults | undefined)[] = [];
  /** Among the commands of its call. */
  places = new Uint32Array(0);
  deadlines = new Float64Array(0);
  states = new Uint8Array(0);
  under: (Under | typeof control | undefined)[] = [];
  /** Under a session: its own sequences. */
  numbers = new Float64Array(0);
  #capacity = 0;

  constructor() {
    this.#make(64);
  }

  at(sequence: number): number {
    return sequence & (this.#capacity - 1);
  }

  /** Room for `more` behind those from `head` up to, not with, `tail`; a power of two. */
  grow(head: number, tail: number, more: number): void {
    const count = tail - head + more;
    const before = this.#capacity;
    if (count <= before) return;
    const { commands, sinks, places, deadlines, states, under, numbers } = this;
    let capacity = before;
    while (capacity < count) capacity *= 2;
    this.#make(capacity);
    for (let s = head; s < tail; s += 1) {
      const from = s & (before - 1);
      const to = s & (capacity - 1);
      this.commands[to] = commands[from];
      this.sinks[to] = sinks[from];
      this.places[to] = places[from] as number;
      this.deadlines[to] = deadlines[from] as number;
      this.states[to] = states[from] as number;
      this.under[to] = under[from];
      this.numbers[to] = numbers[from] as number;
    }
  }

  #make(capacity: number): void {
    this.#capacity = capacity;
    this.commands = new Array<undefined>(capacity).fill(undefined);
    this.sinks = new Array<undefined>(capacity).fill(undefined);
    this.places = new Uint32Array(capacity);
    this.deadlines = new Float64Array(capacity);
    this.states = new Uint8Array(capacity);
    this.under = new Array<undefined>(capacity).fill(undefined);
    this.numbers = new Float64Array(capacity);
  }
}

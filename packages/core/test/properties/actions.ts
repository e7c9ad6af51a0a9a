import fc, { type Arbitrary } from 'fast-check';
import { sealed } from '../../src/codec/checksum.ts';
import { stopByte } from '../../src/paxos/value.ts';
import { batch } from '../paxos/fixture.ts';
import type { World } from './world.ts';

/** What may happen next; letters are picked by their place in the bag, modulo its size. */
export type Action =
  | { readonly kind: 'deliver' | 'drop' | 'repeat'; readonly letter: number }
  /** So many times: one write of everybody is durable, and the oldest letter arrives. */
  | { readonly kind: 'flow'; readonly letters: number }
  | { readonly kind: 'sync' | 'stand' | 'start' | 'read' | 'turn-end'; readonly id: number }
  | { readonly kind: 'propose'; readonly id: number; readonly last: boolean }
  | { readonly kind: 'executed'; readonly id: number; readonly behind: number }
  | { readonly kind: 'tick'; readonly id: number; readonly ms: number }
  | { readonly kind: 'crash'; readonly id: number; readonly kept: number; readonly loses: boolean }
  | { readonly kind: 'truncate'; readonly id: number; readonly back: number };

export interface Mix {
  readonly voters: number;
  readonly actions: number;
  readonly stops?: boolean;
  readonly truncates?: boolean;
  /** Many stand, and much is lost: votes of several ballots meet in one slot. */
  readonly duels?: boolean;
  readonly losesVotesOf?: number;
}

const nat = (max: number) => fc.nat({ max });
const one = <K extends string>(kind: K) => fc.constant(kind);

export function actionsOf(mix: Mix): Arbitrary<Action[]> {
  const id = fc.integer({ min: 1, max: mix.voters });
  const loses = mix.losesVotesOf === undefined ? fc.constant(false) : fc.boolean();
  const duels = mix.duels === true;
  const last = mix.stops === true ? nat(20).map((n) => n === 7) : fc.constant(false);
  const weighted = <T extends Action>(weight: number, arbitrary: Arbitrary<T>) => ({
    weight,
    arbitrary: arbitrary as Arbitrary<Action>,
  });
  const action = fc.oneof(
    weighted(14, fc.record({ kind: one('deliver'), letter: nat(7) })),
    weighted(duels ? 5 : 2, fc.record({ kind: one('drop'), letter: nat(7) })),
    weighted(2, fc.record({ kind: one('repeat'), letter: nat(7) })),
    weighted(duels ? 9 : 5, fc.record({ kind: one('flow'), letters: nat(duels ? 5 : 12) })),
    weighted(8, fc.record({ kind: one('sync'), id })),
    weighted(duels ? 6 : 2, fc.record({ kind: one('stand'), id })),
    weighted(6, fc.record({ kind: one('propose'), id, last })),
    weighted(3, fc.record({ kind: one('executed'), id, behind: nat(2) })),
    weighted(2, fc.record({ kind: one('turn-end'), id })),
    weighted(4, fc.record({ kind: one('tick'), id, ms: nat(700) })),
    weighted(1, fc.record({ kind: one('crash'), id, kept: nat(3), loses })),
    weighted(2, fc.record({ kind: one('start'), id })),
    weighted(2, fc.record({ kind: one('read'), id })),
    weighted(
      mix.truncates === true ? 1 : 0,
      fc.record({ kind: one('truncate'), id, back: nat(3) }),
    ),
  );
  return fc.array(action, { maxLength: mix.actions, size: 'max' });
}

export class Director {
  readonly #world: World;
  readonly #mix: Mix;
  #proposals = 0;

  constructor(world: World, mix: Mix) {
    this.#world = world;
    this.#mix = mix;
  }

  run(action: Action): void {
    const world = this.#world;
    switch (action.kind) {
      case 'deliver':
      case 'drop':
      case 'repeat':
        return this.#onLetter(action.kind, action.letter);
      case 'flow':
        return this.flow(action.letters);
      case 'sync':
        return world.sync(action.id);
      case 'start':
        return world.start(action.id);
      case 'read':
        return world.read(action.id);
      case 'stand':
      case 'turn-end':
        world.trace.push(`${action.id} ${action.kind}`);
        return void world.step(action.id, { kind: action.kind });
      case 'propose':
        return void this.propose(action.id, action.last);
      case 'executed':
        return this.executed(action.id, action.behind);
      case 'tick':
        world.nowMs += action.ms;
        world.trace.push(`${action.id} tick at ${world.nowMs}`);
        return void world.step(action.id, { kind: 'tick' });
      case 'crash': {
        const loses = action.loses && action.id === this.#mix.losesVotesOf;
        return world.crash(action.id, action.kept, loses);
      }
      case 'truncate':
        return this.#truncate(action.id, action.back);
    }
  }

  /** The text that was proposed; the replica need not lead. */
  propose(id: number, last = false): string {
    this.#proposals += 1;
    const text = `c${this.#proposals}`;
    this.#world.trace.push(`${id} is asked to propose ${last ? 'a stop' : text}`);
    const value = last ? sealed(Uint8Array.of(stopByte, this.#proposals)) : batch(text);
    this.#world.step(id, { kind: 'propose', value });
    return text;
  }

  /** The state machine has executed everything but the newest `behind` slots. */
  executed(id: number, behind: number): void {
    const { replica } = this.#world.node(id);
    if (replica === undefined) return;
    const { releasedThrough, executedThrough } = replica.view;
    const through = releasedThrough - behind;
    if (through > executedThrough) this.#world.step(id, { kind: 'executed', through });
  }

  flow(letters: number): void {
    for (let i = 0; i < letters; i += 1) {
      for (const id of this.#world.nodes.keys()) this.#world.sync(id);
      const letter = this.#world.bag.shift();
      if (letter !== undefined) this.#world.deliver(letter);
    }
  }

  #onLetter(what: 'deliver' | 'drop' | 'repeat', place: number): void {
    const { bag } = this.#world;
    const letter = bag[place % Math.max(1, bag.length)];
    if (letter === undefined) return;
    if (what !== 'repeat') bag.splice(bag.indexOf(letter), 1);
    if (what !== 'drop') this.#world.deliver(letter);
  }

  #truncate(id: number, back: number): void {
    const { replica } = this.#world.node(id);
    if (replica === undefined) return;
    const before = Math.max(1, replica.view.executedThrough + 1 - back);
    this.#world.trace.push(`${id} truncates before ${before}`);
    this.#world.step(id, { kind: 'truncate', before });
  }
}

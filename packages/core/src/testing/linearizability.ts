import { Pending } from './pending.ts';

/** One call of a client, and what it was told. */
export interface Operation<Input, Output> {
  readonly client: number | string;
  readonly input: Input;
  /** Undefined if nobody knows: it may take effect at any time after its start, or never. */
  readonly output: Output | undefined;
  readonly startMs: number;
  /** When its output was there; of no meaning if the output is unknown. */
  readonly endMs: number | undefined;
}

/** What a history is compared with: the same object, one operation at a time. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /**
   * Whether the operation may give this output in this state (any, if it is undefined), and the
   * state after it. States are values: one that does not change is given back as it is.
   */
  step(
    state: State,
    input: Input,
    output: Output | undefined,
  ): { readonly ok: boolean; readonly state: State };
  /** Whether what gives this output changes no state whatever, as a read does; false is safe. */
  isRead?(input: Input, output: Output): boolean;
  /** Whether this can happen in any state, and the state after it is always the same. */
  overwrites?(input: Input): boolean;
  /**
   * Whether the operations that are left, in the order of their starts, cannot all give their
   * outputs from this state, whatever their order; false is safe. For states that tell early that
   * an operation of unknown outcome was put where it cannot have been.
   */
  isHopeless?(state: State, left: Left<Input, Output>): boolean;
  /** States of the same key are the same; without it, only those that are ===. */
  key?(state: State): string | number | boolean | null;
  /** Inputs of the same key do the same; without it, only those that are ===. */
  inputKey?(input: Input): string;
}

/** Operations that have no place in the order yet. */
export interface Left<Input, Output> {
  /** All of them have one in the end. */
  readonly known: Iterable<Operation<Input, Output>>;
  /** Those of unknown outcome: none has to have one. */
  readonly unknown: Iterable<Operation<Input, Output>>;
}

/** How a history is judged; nothing of it is needed. */
export interface LinearizabilityOptions<Input> {
  /** Objects that know nothing of each other are checked one by one: the name of this one. */
  readonly objectOf?: (input: Input) => string;
  /** Steps of the model that one object may cost; beyond it the verdict is unknown. */
  readonly stepsMax?: number;
}

/** There is no order that explains what callers were told. */
export interface Violation<State, Input, Output> {
  readonly verdict: 'violation';
  readonly object: string;
  /** The longest order that was found, ... */
  readonly linearised: readonly Operation<Input, Output>[];
  readonly state: State;
  /** ... and the operations of which one had to come next, and none could. */
  readonly impossible: readonly Operation<Input, Output>[];
}

/** The verdict on a history; `unknown` if it took more than `stepsMax` steps. */
export type Linearizability<State, Input, Output> =
  | { readonly verdict: 'linearizable'; readonly steps: number }
  | { readonly verdict: 'unknown'; readonly objects: readonly string[]; readonly steps: number }
  | Violation<State, Input, Output>;

const defaultStepsMax = 2_000_000;

/**
 * Is there an order of the operations, no operation before one that ended before it began, in which
 * one object at a time gives these outputs? The algorithm of Wing and Gong, with Lowe's memory of
 * the places where it has been. A violation is certain, and so is linearizable.
 */
export function checkLinearizability<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  options: LinearizabilityOptions<Input> = {},
): Linearizability<State, Input, Output> {
  const { objectOf = () => '', stepsMax = defaultStepsMax } = options;
  const unknown: string[] = [];
  let steps = 0;
  for (const [object, operations] of operationsByObject(history, objectOf)) {
    const search = new Search(model, operations, stepsMax);
    const verdict = search.run();
    steps += search.steps;
    if (verdict === 'violation') return { verdict, object, ...search.furthest };
    if (verdict === 'unknown') unknown.push(object);
  }
  if (unknown.length > 0) return { verdict: 'unknown', objects: unknown, steps };
  return { verdict: 'linearizable', steps };
}

function operationsByObject<Input, Output>(
  history: readonly Operation<Input, Output>[],
  objectOf: (input: Input) => string,
): Map<string, Operation<Input, Output>[]> {
  const byObject = new Map<string, Operation<Input, Output>[]>();
  for (const operation of history) {
    const object = objectOf(operation.input);
    const others = byObject.get(object);
    if (others === undefined) byObject.set(object, [operation]);
    else others.push(operation);
  }
  return byObject;
}

const shownMax = 12;

/** The violation as text: the end of the longest order, and what could not come next. */
export function explainViolation<State, Input, Output>(
  violation: Violation<State, Input, Output>,
): string {
  const { object, linearised, state, impossible } = violation;
  const shown = linearised.slice(-shownMax);
  const left = linearised.length - shown.length;
  return [
    `${object === '' ? 'the history' : object} is not linearizable`,
    ...(left > 0 ? [`  after ${left} operations`] : []),
    ...shown.map((operation) => `  ${described(operation)}`),
    `  the state is ${JSON.stringify(state)}, and none of these can come next:`,
    ...impossible.map((operation) => `  ✗ ${described(operation)}`),
  ].join('\n');
}

function described(operation: Operation<unknown, unknown>): string {
  const { client, input, output, startMs, endMs } = operation;
  const when = `${startMs.toFixed(3)} … ${output === undefined ? '' : (endMs ?? 0).toFixed(3)}`;
  const told = output === undefined ? 'unknown' : JSON.stringify(output);
  return `[${when}] ${client}: ${JSON.stringify(input)} → ${told}`;
}

/** One way on: this operation is next, and this is the state after it. */
interface Move<State> {
  readonly of: 'known' | 'unknown';
  readonly at: number;
  readonly state: State;
}

interface Place<State> {
  readonly state: State;
  /** What led here. */
  readonly by: Move<State> | undefined;
  /** Not yet tried. */
  readonly moves: Iterator<Move<State>>;
}

class Search<State, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #stepsMax: number;
  readonly #known: Pending<Operation<Input, Output>>;
  readonly #unknown: Pending<Operation<Input, Output>>;
  readonly #inputKeys: readonly unknown[];
  readonly #seen = new Map<string, Set<unknown>>();
  #furthest: Omit<Violation<State, Input, Output>, 'verdict' | 'object'>;
  #furthestKnown = -1;
  steps = 0;

  constructor(
    model: SequentialModel<State, Input, Output>,
    history: readonly Operation<Input, Output>[],
    stepsMax: number,
  ) {
    this.#model = model;
    this.#stepsMax = stepsMax;
    const inOrder = history.toSorted((a, b) => a.startMs - b.startMs);
    for (const operation of inOrder) assertWhole(operation);
    this.#known = new Pending(inOrder.filter(({ output }) => output !== undefined));
    this.#unknown = new Pending(inOrder.filter(({ output }) => output === undefined));
    this.#inputKeys = this.#unknown.all.map(({ input }) => model.inputKey?.(input) ?? input);
    this.#furthest = { linearised: [], state: model.initial, impossible: [] };
  }

  get furthest(): Omit<Violation<State, Input, Output>, 'verdict' | 'object'> {
    return this.#furthest;
  }

  run(): 'linearizable' | 'violation' | 'unknown' {
    const places: Place<State>[] = [this.#placeAfter(undefined, this.#model.initial)];
    for (;;) {
      const place = places.at(-1);
      if (this.#known.isEmpty) return 'linearizable';
      if (place === undefined) return 'violation';
      if (this.steps > this.#stepsMax) return 'unknown';
      const { value: move, done } = place.moves.next();
      if (done === true) {
        this.#remember(places);
        places.pop();
        if (place.by !== undefined) this.#pending(place.by).putBack(place.by.at);
        continue;
      }
      this.#pending(move).take(move.at);
      if (this.#wasHere(move.state) || this.#isHopeless(move.state)) {
        this.#pending(move).putBack(move.at);
      } else places.push(this.#placeAfter(move, move.state));
    }
  }

  #placeAfter(by: Move<State> | undefined, state: State): Place<State> {
    return { state, by, moves: this.#movesFrom(state, by?.of === 'unknown') };
  }

  #pending(move: Move<State>): Pending<Operation<Input, Output>> {
    return move.of === 'known' ? this.#known : this.#unknown;
  }

  /**
   * Nothing overwrites what an operation of unknown outcome has just done: without that operation
   * the state would be the same, and it would still be there to be used.
   */
  *#movesFrom(state: State, isAfterUnknown: boolean): Generator<Move<State>> {
    const possible: Move<State>[] = [];
    for (const [at, operation] of this.#nextKnown()) {
      if (isAfterUnknown && this.#overwrites(operation)) continue;
      const { ok, state: after } = this.#step(state, operation);
      if (ok) possible.push({ of: 'known', at, state: after });
      // A read that can come now need not come later: it takes nothing away from the others.
      if (ok && this.#isRead(operation)) return yield { of: 'known', at, state };
    }
    yield* possible;
    yield* this.#unknownMovesFrom(state, isAfterUnknown);
  }

  /** Any of these may be next: each began before all others that are left had ended. */
  *#nextKnown(): Generator<readonly [number, Operation<Input, Output>]> {
    let endMs = Number.POSITIVE_INFINITY;
    for (const [at, operation] of this.#known.from()) {
      if (operation.startMs > endMs) return;
      endMs = Math.min(endMs, operation.endMs ?? endMs);
      yield [at, operation];
    }
  }

  /** Last, as most can be done without; first of them those that let a known one follow. */
  *#unknownMovesFrom(state: State, isAfterUnknown: boolean): Generator<Move<State>> {
    const known = [...this.#nextKnown()].map(([, operation]) => operation);
    const endMs = Math.min(...known.map((operation) => operation.endMs ?? Infinity));
    const inputs = new Set<unknown>();
    const useful: Move<State>[] = [];
    const others: Move<State>[] = [];
    for (const [at, operation] of this.#unknown.from()) {
      if (operation.startMs > endMs) break;
      // Of those that do the same, the first to start can stand for any other: none ever ends.
      if (inputs.has(this.#inputKeys[at])) continue;
      inputs.add(this.#inputKeys[at]);
      if (isAfterUnknown && this.#overwrites(operation)) continue;
      const { ok, state: after } = this.#step(state, operation);
      if (!ok || this.#isSame(after, state)) continue;
      const isUseful = known.some((each) => this.#step(after, each).ok);
      (isUseful ? useful : others).push({ of: 'unknown', at, state: after });
    }
    yield* useful;
    yield* others;
  }

  #step(state: State, { input, output }: Operation<Input, Output>): { ok: boolean; state: State } {
    this.steps += 1;
    return this.#model.step(state, input, output);
  }

  #overwrites({ input }: Operation<Input, Output>): boolean {
    return this.#model.overwrites?.(input) === true;
  }

  #isRead({ input, output }: Operation<Input, Output>): boolean {
    return output !== undefined && this.#model.isRead?.(input, output) === true;
  }

  #isHopeless(state: State): boolean {
    const left = { known: this.#known.left(), unknown: this.#unknown.left() };
    return this.#model.isHopeless?.(state, left) === true;
  }

  #isSame(a: State, b: State): boolean {
    return a === b || (this.#model.key !== undefined && this.#keyOf(a) === this.#keyOf(b));
  }

  #keyOf(state: State): unknown {
    return this.#model.key === undefined ? state : this.#model.key(state);
  }

  /** The same operations in another order with the same state: nothing new from here on. */
  #wasHere(state: State): boolean {
    const taken = `${this.#known.takenText()} ${this.#unknown.takenText()}`;
    const states = this.#seen.get(taken);
    const key = this.#keyOf(state);
    if (states === undefined) this.#seen.set(taken, new Set([key]));
    else if (states.has(key)) return true;
    else states.add(key);
    return false;
  }

  #remember(places: readonly Place<State>[]): void {
    if (this.#known.taken <= this.#furthestKnown) return;
    this.#furthestKnown = this.#known.taken;
    const moves = places.flatMap(({ by }) => (by === undefined ? [] : [by]));
    this.#furthest = {
      linearised: moves.map((move) => this.#pending(move).all[move.at]).filter(isThere),
      state: places.at(-1)?.state ?? this.#model.initial,
      impossible: [...this.#nextKnown()].map(([, operation]) => operation),
    };
  }
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined;

function assertWhole(operation: Operation<unknown, unknown>): void {
  const { output, startMs, endMs } = operation;
  if (output === undefined || (endMs !== undefined && endMs >= startMs)) return;
  throw new RangeError(
    `an output without its end, or that ended too early: ${described(operation)}`,
  );
}

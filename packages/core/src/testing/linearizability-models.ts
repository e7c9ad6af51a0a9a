import type { SequentialModel } from './linearizability.ts';

export type RegisterInput =
  | { readonly kind: 'get' }
  | { readonly kind: 'set'; readonly value: number }
  | { readonly kind: 'incr' }
  | { readonly kind: 'cas'; readonly from: number | null; readonly to: number };

/** What `get` finds, what `incr` makes it, whether `cas` did it; `set` says true. */
export type RegisterOutput = number | boolean | null;

/** A place for one number, null before the first; `incr` of nothing makes it 1. */
export const registerModel: SequentialModel<number | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    switch (input.kind) {
      case 'get':
        return { ok: isOutput(output, state), state };
      case 'set':
        return { ok: isOutput(output, true), state: input.value };
      case 'incr': {
        const next = (state ?? 0) + 1;
        return { ok: isOutput(output, next), state: next };
      }
      case 'cas': {
        const isFrom = state === input.from;
        return { ok: isOutput(output, isFrom), state: isFrom ? input.to : state };
      }
    }
  },
  overwrites: ({ kind }) => kind === 'set',
  isRead: ({ kind }, output) => kind === 'get' || (kind === 'cas' && output === false),
  inputKey: (input) => JSON.stringify(input),
};

export type ListInput =
  | { readonly kind: 'append'; readonly value: string }
  | { readonly kind: 'length' }
  | { readonly kind: 'read' };

/** The length, also after an append; all values for `read`. */
export type ListOutput = number | readonly string[];

/** A list that only grows. */
export const listModel: SequentialModel<readonly string[], ListInput, ListOutput> = {
  initial: [],
  step(state, input, output) {
    switch (input.kind) {
      case 'append':
        return { ok: isOutput(output, state.length + 1), state: [...state, input.value] };
      case 'length':
        return { ok: isOutput(output, state.length), state };
      case 'read':
        return { ok: output === undefined || isSameList(output, state), state };
    }
  },
  isRead: ({ kind }) => kind !== 'append',
  key: (state) => JSON.stringify(state),
  inputKey: (input) => JSON.stringify(input),
};

/** An unknown output may have been anything. */
const isOutput = (output: unknown, expected: unknown): boolean =>
  output === undefined || output === expected;

const isSameList = (output: ListOutput, state: readonly string[]): boolean =>
  typeof output !== 'number' &&
  output.length === state.length &&
  output.every((value, i) => value === state[i]);

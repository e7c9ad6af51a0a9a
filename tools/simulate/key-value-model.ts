import type { SequentialModel } from '@rsl/core/testing';

/** One Redis command on one key. */
export interface KeyInput {
  readonly name: 'GET' | 'SET' | 'APPEND' | 'GETSET' | 'INCR' | 'DEL';
  readonly key: string;
  readonly value: string;
}

/** The reply as RESP2 text. */
export type KeyOutput = string;

/** What the key holds; null if it does not exist. */
export type KeyState = string | null;

const bulk = (text: KeyState): KeyOutput =>
  text === null ? '$-1\r\n' : `$${text.length}\r\n${text}\r\n`;

/** What one command does to one key, and what it answers. */
export function applied(state: KeyState, input: KeyInput): { reply: KeyOutput; state: KeyState } {
  const { name, value } = input;
  switch (name) {
    case 'GET':
      return { reply: bulk(state), state };
    case 'SET':
      return { reply: '+OK\r\n', state: value };
    case 'APPEND': {
      const longer = `${state ?? ''}${value}`;
      return { reply: `:${longer.length}\r\n`, state: longer };
    }
    case 'GETSET':
      return { reply: bulk(state), state: value };
    case 'INCR': {
      const sum = Number(state ?? '0') + 1;
      return { reply: `:${sum}\r\n`, state: String(sum) };
    }
    case 'DEL':
      return { reply: state === null ? ':0\r\n' : ':1\r\n', state: null };
    default:
      throw new Error(`no model of ${String(name)}`);
  }
}

/** One key of a Redis server. */
export const keyModel: SequentialModel<KeyState, KeyInput, KeyOutput> = {
  initial: null,
  step(state, input, output) {
    const { reply, state: after } = applied(state, input);
    return { ok: output === undefined || output === reply, state: after };
  },
  inputKey: ({ name, key, value }) => `${name} ${key} ${value}`,
};

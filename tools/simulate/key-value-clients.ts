import {
  CheckFailed,
  checkLinearizability,
  type Client,
  type ClientTurn,
  explainViolation,
  type Operation,
} from '@rsl/core/testing';
import { Args } from '../../apps/server/src/args.ts';
import { BundleWriter } from '../../apps/server/src/bundle/bundle-writer.ts';
import { Cursor } from '../../apps/server/src/bundle/cursor.ts';
import { KeyValue } from '../../apps/server/src/key-value.ts';
import { ReplyWriter } from '../../apps/server/src/resp/reply-writer.ts';
import { Slab } from '../../apps/server/src/resp/slab.ts';
import { type KeyInput, keyModel, type KeyOutput } from './key-value-model.ts';

/** As in the logs: they never change. */
const ids = { GET: 10, SET: 11, GETSET: 13, APPEND: 14, INCR: 20, DEL: 30 } as const;
const replyBytesMax = 1024 * 1024;

/** A key is used for so long, so that no history is too long to be checked. */
const keyAgeMs = 4_000;

export const keyValueMachine = (): KeyValue => new KeyValue(replyBytesMax);

/** A call that may still be answered. */
type Call = {
  -readonly [K in keyof Operation<KeyInput, KeyOutput>]: Operation<KeyInput, KeyOutput>[K];
};

/** Clients of a Redis server, what each was told and when: the history must be linearizable. */
export class KeyValueClients {
  readonly #history = new Set<Call>();
  /** Histories that were too tangled to be judged. */
  unjudged = 0;

  get operations(): number {
    return this.#history.size;
  }

  readonly client: Client = async (turn) => {
    const input = drawn(turn);
    const client = `${turn.client}@${turn.replica}`;
    // As long as nobody has told its outcome, it is unknown: also at the end of the run.
    const call: Call = { client, input, output: undefined, startMs: turn.moment, endMs: undefined };
    this.#history.add(call);
    try {
      call.output = input.name === 'GET' ? await read(turn, input) : await write(turn, input);
      call.endMs = turn.moment;
    } catch (error) {
      const { outcome } = error as { readonly outcome?: string };
      // A read that was not answered, or a command that was not executed, never happened.
      if (outcome === 'not-executed' || input.name === 'GET') this.#history.delete(call);
      throw error;
    }
  };

  /** CheckFailed unless every key behaved as one key of one server would. */
  check(): void {
    const judged = checkLinearizability(keyModel, [...this.#history], {
      objectOf: ({ key }) => key,
    });
    if (judged.verdict === 'violation') throw new CheckFailed('safety', explainViolation(judged));
    if (judged.verdict === 'unknown') this.unjudged += judged.objects.length;
  }
}

function drawn({ random, nowMs }: ClientTurn): KeyInput {
  const key = `${random.pick(['a', 'b', 'n'])}${Math.floor(nowMs / keyAgeMs)}`;
  const name = key.startsWith('n')
    ? random.pick(['GET', 'INCR', 'INCR', 'DEL'] as const)
    : random.pick(['GET', 'GET', 'SET', 'APPEND', 'GETSET', 'DEL'] as const);
  const value = random.below(2 ** 20).toString(36);
  return { name, key, value };
}

async function write(turn: ClientTurn, input: KeyInput): Promise<KeyOutput> {
  return Buffer.from(await turn.propose(bundleOf(input))).toString('latin1');
}

/** As the server does: a barrier, and then from the state. */
async function read(turn: ClientTurn, input: KeyInput): Promise<KeyOutput> {
  const machine = turn.stateMachine as KeyValue;
  await turn.read('linearizable');
  const bundle = bundleOf(input);
  const cursor = new Cursor().open(bundle, 1, bundle.length);
  const reply = new ReplyWriter(new Slab(), replyBytesMax);
  machine.read(cursor, reply);
  return Buffer.from(reply.take()).toString('latin1');
}

function bundleOf({ name, key, value }: KeyInput): Uint8Array {
  const words = name === 'GET' || name === 'DEL' || name === 'INCR' ? [key] : [key, value];
  const args = new Args();
  args.clear(Buffer.from(words.join(''), 'latin1'));
  let at = 0;
  for (const word of words) {
    args.add(at, at + word.length);
    at += word.length;
  }
  const bundle = new BundleWriter(2, args.bytes.length + 16);
  bundle.add(ids[name], args);
  return Uint8Array.from(bundle.bytes);
}

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { InvalidOptionError } from './errors.ts';
import type { Slot } from './paxos/slot.ts';
import type {
  Batch,
  CommandCodec,
  Results,
  SlotMoment,
  StateMachine,
} from './ports/state-machine.ts';
import type { SessionId } from './sessions/session-name.ts';

/** Where and when a command is executed; the same on every replica. */
export interface Moment {
  readonly slot: Slot;
  /** Its place among the commands of its slot: (slot, offset) orders all commands there are. */
  readonly offset: number;
  /** Group time, milliseconds since 1970-01-01 UTC; never goes back (P10). */
  readonly timeMs: number;
  /** False while the log is replayed at a start. */
  readonly live: boolean;
  /** The session under which the command was sent, if there is one (P9). */
  readonly session: SessionId | undefined;
}

/** A program in terms of its own commands `C`, results `R` and saved state `S`. */
export interface TypedMachine<C, R, S> {
  /** Deterministic: depends on the command, the moment and the state only. */
  execute(command: C, at: Moment): R;
  /** The whole state, as plain data, as of this call. */
  snapshot(): S;
  restore(state: S): void;
  /** See `StateMachine.wakeAtMs`. */
  wakeAtMs?(): number | undefined;
  /** See `StateMachine.sessionEnded`. */
  sessionEnded?(session: SessionId, at: SlotMoment): void;
}

/** Any encoding of single values; msgpack unless told otherwise. */
export interface ValueCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Plain data (numbers, strings, booleans, null, arrays, objects, Uint8Array, Date, Map, Set). */
export const msgpack: ValueCodec = {
  // The packer writes into one buffer again and again: what it gives has to be copied.
  encode: (value) => Uint8Array.prototype.slice.call(packr.pack(value)),
  decode: (bytes) => unpackr.unpack(bytes),
};

/**
 * Makes a state machine of bytes out of one of values. An exception from `execute` stops the
 * replica: give application errors back as results.
 */
export function typed<C, R, S>(
  machine: TypedMachine<C, R, S>,
  codec: ValueCodec = msgpack,
): StateMachine & { readonly codec: CommandCodec<C, R> } {
  if (typeof machine.execute !== 'function') {
    throw new InvalidOptionError('stateMachine', 'has no function `execute`');
  }
  const wakeAtMs = machine.wakeAtMs?.bind(machine);
  const sessionEnded = machine.sessionEnded?.bind(machine);
  return {
    codec: {
      encodeCommand: (command) => codec.encode(command),
      decodeResult: (bytes) => codec.decode(bytes) as R,
    },
    execute: (batch, results) => executeAll(machine, codec, batch, results),
    // Encoded at once, so that later executions do not change it.
    save: () => [codec.encode(machine.snapshot())],
    load: async (chunks) => machine.restore(codec.decode(await joined(chunks)) as S),
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    ...(sessionEnded === undefined ? {} : { sessionEnded }),
  };
}

const nothing = new Uint8Array(0);

function executeAll<C, R, S>(
  machine: TypedMachine<C, R, S>,
  codec: ValueCodec,
  batch: Batch,
  results: Results,
): void {
  const { slot, timeMs, live } = batch;
  for (let offset = 0; offset < batch.count; offset += 1) {
    const bytes = batch.bytes.subarray(batch.start(offset), batch.end(offset));
    const session = batch.session(offset);
    const at: Moment = { slot, offset, timeMs, live, session };
    const result = machine.execute(codec.decode(bytes) as C, at);
    results.push(results.wanted(offset) ? codec.encode(result) : nothing);
  }
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

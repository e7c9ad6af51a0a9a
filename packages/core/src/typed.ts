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
import { ApplicationError, CommandFailedError } from './state-machine-errors.ts';

/** Where and when a command is executed; the same on every replica. */
export interface Moment extends SlotMoment {
  /** Its place among the commands of its slot: (slot, offset) orders all commands there are. */
  readonly offset: number;
  /** The session under which the command was sent, if there is one (P9). */
  readonly session: SessionId | undefined;
}

/** A program in terms of its own commands `C`, results `R` and saved state `S`. */
export interface TypedMachine<C, R, S> {
  /**
   * Deterministic: depends on the command, the moment and the state only. Throws an
   * ApplicationError to answer the caller with an error; whatever else it throws stops the replica.
   */
  execute(command: C, at: Moment): R;
  /** The whole state, as plain data, as of this call; also of a state that lives on disk. */
  snapshot(): S;
  /** Replaces the whole state by one that `snapshot` gave, as the codec brings it back. */
  restore(state: S): void;
  /**
   * Around the commands of each slot, also of one without commands that only brings time: one
   * transaction for each slot, say. Not called for slots that bring neither. What they throw stops
   * the replica; `endSlot` is not called then, nor after a fault in `execute`.
   */
  beginSlot?(at: SlotMoment): void;
  /** After the commands of the slot: see `beginSlot`. */
  endSlot?(at: SlotMoment): void;
  /**
   * For state that lives on disk by itself: the last slot whose `endSlot` is durable in it, 0 if
   * there is none. Slots up to it are not executed again.
   */
  open?(): Slot | Promise<Slot>;
  /** See `StateMachine.wakeAtMs`. */
  wakeAtMs?(): number | undefined;
  /** See `StateMachine.sessionEnded`. */
  sessionEnded?(session: SessionId, at: SlotMoment): void;
}

/** Any encoding of single values; msgpack unless told otherwise. */
export interface ValueCodec {
  /** The bytes are given away: they are not written again. */
  encode(value: unknown): Uint8Array;
  /** What `encode` was given, as far as the encoding can tell. */
  decode(bytes: Uint8Array): unknown;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/**
 * Plain data: numbers, strings, booleans, null, arrays, objects, Uint8Array, Date. A Map comes back
 * as an object and a Set as an array: save their entries.
 */
export const msgpack: ValueCodec = {
  // The packer writes into one buffer again and again: what it gives has to be copied.
  encode: (value) => Uint8Array.prototype.slice.call(packr.pack(value)),
  decode: (bytes) => unpackr.unpack(bytes),
};

/**
 * Makes a state machine of bytes out of one of values. An ApplicationError that `execute` throws is
 * the result of its command; any other exception stops the replica.
 */
export function typed<C, R, S>(
  machine: TypedMachine<C, R, S>,
  codec: ValueCodec = msgpack,
): StateMachine & { readonly codec: CommandCodec<C, R> } {
  if (typeof machine.execute !== 'function') {
    throw new InvalidOptionError('stateMachine', 'has no function `execute`');
  }
  const open = machine.open?.bind(machine);
  const wakeAtMs = machine.wakeAtMs?.bind(machine);
  const sessionEnded = machine.sessionEnded?.bind(machine);
  return {
    codec: {
      encodeCommand: (command) => codec.encode(command),
      decodeCommand: (bytes) => codec.decode(bytes) as C,
      decodeResult: (bytes) => decodedResult(codec, bytes) as R,
    },
    execute: (batch, results) => executeAll(machine, codec, batch, results),
    // Encoded at once, so that later executions do not change it.
    save: () => [codec.encode(machine.snapshot())],
    load: async (chunks) => machine.restore(codec.decode(await joined(chunks)) as S),
    ...(open === undefined ? {} : { open: async () => await open() }),
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
  machine.beginSlot?.({ slot, timeMs, live });
  for (let offset = 0; offset < batch.count; offset += 1) {
    const bytes = batch.bytes.subarray(batch.start(offset), batch.end(offset));
    const command = codec.decode(bytes) as C;
    const wanted = results.wanted(offset);
    const at: Moment = { slot, offset, timeMs, live, session: batch.session(offset) };
    let answer = nothing;
    try {
      const result = machine.execute(command, at);
      if (wanted) answer = marked(valueMark, codec.encode(result));
    } catch (error) {
      if (!(error instanceof ApplicationError)) throw error;
      const { code, message, data } = error;
      if (wanted) answer = marked(errorMark, codec.encode([code, message, data]));
    }
    results.push(answer);
  }
  machine.endSlot?.({ slot, timeMs, live });
}

// The first byte of a result.
const valueMark = 0;
const errorMark = 1;

function marked(mark: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(1 + bytes.length);
  result[0] = mark;
  result.set(bytes, 1);
  return result;
}

/** CommandFailedError if the result is an ApplicationError. */
function decodedResult(codec: ValueCodec, bytes: Uint8Array): unknown {
  const value = codec.decode(bytes.subarray(1));
  if (bytes[0] === valueMark) return value;
  const [code, message, data] = value as [string, string, unknown];
  throw new CommandFailedError(code, message, data);
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

import { crc32 } from 'node:zlib';
import type { Batch, Results, SlotMoment, StateMachine } from '../ports/state-machine.ts';
import type { SessionId } from '../sessions/session-name.ts';
import type { ExecutedBatch } from './checkers/agreement.ts';

/** Every simulated command begins with its number, so that each is told from every other. */
export const numberBytes = 4;

export function numbered(number: number, command: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(numberBytes + command.length);
  bytes.writeUInt32LE(number);
  bytes.set(command, numberBytes);
  return bytes;
}

export type OnExecuted = (executed: ExecutedBatch, commands: readonly number[]) => void;

/** A whole state, as it is saved and loaded. */
export interface SeenState {
  /** The last slot with a batch, and the digest of all up to it. */
  readonly slot: number;
  readonly digest: number;
  /** CRC-32 of what the state machine saves. */
  readonly state: number;
}

export type OnState = (what: 'saved' | 'loaded', state: SeenState) => void;

/** Stands before the state machine under test, and says what it is given. */
export class Witness implements StateMachine {
  readonly #machine: StateMachine;
  readonly #onExecuted: OnExecuted;
  readonly #onState: OnState;
  readonly #batch = new ShiftedBatch();
  /** The last slot with a batch. */
  slot = 0;
  /** Of everything so far. */
  digest = 0;

  constructor(machine: StateMachine, onExecuted: OnExecuted, onState: OnState = () => {}) {
    this.#machine = machine;
    this.#onExecuted = onExecuted;
    this.#onState = onState;
  }

  execute(batch: Batch, results: Results): void {
    const { slot, timeMs } = batch;
    const checksum = crc32(batch.bytes);
    this.slot = slot;
    this.digest = crc32(`${slot} ${timeMs} ${checksum}`, this.digest);
    const commands: number[] = [];
    const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
    for (let i = 0; i < batch.count; i += 1) commands.push(view.getUint32(batch.start(i), true));
    this.#onExecuted({ slot, timeMs, checksum, digest: this.digest }, commands);
    this.#batch.inner = batch;
    this.#machine.execute(this.#batch, results);
  }

  sessionEnded(session: SessionId, at: SlotMoment): void {
    this.digest = crc32(`${session} ends in ${at.slot} at ${at.timeMs}`, this.digest);
    this.#machine.sessionEnded?.(session, at);
  }

  query(question: Uint8Array): Uint8Array {
    if (this.#machine.query === undefined) throw new Error('it answers no queries');
    return this.#machine.query(question);
  }

  wakeAtMs(): number | undefined {
    return this.#machine.wakeAtMs?.();
  }

  /** What it has seen goes with the state: whoever loads it goes on as if it had seen it. */
  save(): AsyncIterable<Uint8Array> {
    const seen = Buffer.alloc(seenBytes);
    seen.writeDoubleLE(this.slot);
    seen.writeUInt32LE(this.digest, 8);
    const { digest, slot } = this;
    const told = (state: number): void => this.#onState('saved', { slot, digest, state });
    return joined(seen, summed(this.#machine.save(), told));
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    let head = Buffer.alloc(0);
    while (head.length < seenBytes) {
      const next = await iterator.next();
      if (next.done === true) throw new Error('a state that no witness has saved');
      head = Buffer.concat([head, next.value]);
    }
    const rest = { [Symbol.asyncIterator]: () => iterator };
    let state = 0;
    const told = (sum: number): void => void (state = sum);
    await this.#machine.load(summed(joined(head.subarray(seenBytes), rest), told));
    this.slot = head.readDoubleLE();
    this.digest = head.readUInt32LE(8);
    this.#onState('loaded', { slot: this.slot, digest: this.digest, state });
  }
}

const seenBytes = 12;

/** Tells the checksum of all once they have been taken. */
async function* summed(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  told: (sum: number) => void,
): AsyncGenerator<Uint8Array> {
  let sum = 0;
  for await (const chunk of chunks) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  told(sum);
}

async function* joined(
  first: Uint8Array,
  rest: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** A batch whose commands begin behind their numbers. */
class ShiftedBatch implements Batch {
  inner: Batch | undefined;

  get slot(): number {
    return this.#given.slot;
  }

  get timeMs(): number {
    return this.#given.timeMs;
  }

  get live(): boolean {
    return this.#given.live;
  }

  get count(): number {
    return this.#given.count;
  }

  get bytes(): Uint8Array {
    return this.#given.bytes;
  }

  start(i: number): number {
    return this.#given.start(i) + numberBytes;
  }

  end(i: number): number {
    return this.#given.end(i);
  }

  session(i: number): SessionId | undefined {
    return this.#given.session(i);
  }

  get #given(): Batch {
    if (this.inner === undefined) throw new Error('no batch is being executed');
    return this.inner;
  }
}

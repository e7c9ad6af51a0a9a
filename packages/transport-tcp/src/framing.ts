import { FrameError } from '@rsl/core';
import { invariant, requires } from '@rsl/contracts';

/**
 * Why bytes of a peer are no frame. A closed set: it names the counters. `refused` is not thrown
 * here: whoever was given the frame threw a FrameError of its own.
 */
export type ViolationReason = 'length' | 'type' | 'channel' | 'early' | 'join';

export class WireViolation extends FrameError {
  readonly reason: ViolationReason;
  constructor(reason: ViolationReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Length u32, type u8, channel u24, all little-endian; then `length` bytes. */
export const envelopeBytes = 8;
export const envelopeTypes = {
  frame: 1,
  ping: 2,
  pong: 3,
  join: 4,
  joined: 5,
  refused: 6,
  opened: 7,
  leave: 8,
} as const;
/** What is said about one channel of a link. */
export type ControlType = 'join' | 'joined' | 'refused' | 'opened' | 'leave';
/** The highest number of a channel; its place has three bytes. */
export const channelMax = 0xff_ffff;
/** Who joins, its store and its instance; behind them a join has the name of its group. */
export const introductionBytes = 20;
export const groupBytesMax = 128;
/** The shortest and the longest body, by type. */
const controlBytes = new Map<number, readonly [ControlType, number, number]>([
  [envelopeTypes.join, ['join', introductionBytes + 1, introductionBytes + groupBytesMax]],
  [envelopeTypes.joined, ['joined', introductionBytes, introductionBytes]],
  [envelopeTypes.refused, ['refused', 2, 2]],
  [envelopeTypes.opened, ['opened', 0, 0]],
  [envelopeTypes.leave, ['leave', 0, 0]],
]);
/** Pings and pongs carry a number of four bytes. */
export const pingBytes = 4;

/** Writes by single bytes: four times as fast as the methods of Buffer. */
export function writeEnvelope(
  to: Uint8Array,
  at: number,
  type: number,
  channel: number,
  length: number,
): void {
  requires(
    () => channel <= channelMax && at + envelopeBytes <= to.length,
    'tcp-8 an envelope has room, and room for its channel',
  );
  writeU32(to, at, length);
  to[at + 4] = type;
  to[at + 5] = channel;
  to[at + 6] = channel >>> 8;
  to[at + 7] = channel >>> 16;
}

export function writeU32(to: Uint8Array, at: number, value: number): void {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
}

function readU32(from: Uint8Array, at: number): number {
  const low = (from[at] ?? 0) | ((from[at + 1] ?? 0) << 8) | ((from[at + 2] ?? 0) << 16);
  return (low | ((from[at + 3] ?? 0) << 24)) >>> 0;
}

const channelAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at + 5] ?? 0) | ((bytes[at + 6] ?? 0) << 8) | ((bytes[at + 7] ?? 0) << 16);

export interface SplitterEvents {
  /** The bytes are valid only during the call. */
  frame(bytes: Uint8Array, channel: number): void;
  ping(number: number): void;
  pong(number: number): void;
  /** Absent where there is but one channel, 0. The body is valid only during the call. */
  control?(type: ControlType, channel: number, body: Uint8Array): void;
}

const assemblyBytesMin = 64 * 1024;
/** A part of a snapshot or a batch fits; what was needed for a larger frame is given back. */
const assemblyBytesKept = 1280 * 1024;

/**
 * Cuts a stream into frames. What lies whole in a chunk is handed on as a view of the chunk; what
 * a chunk's end cuts in two is put together in a buffer that grows with the bytes that came, never
 * with those that were announced, so a header alone makes us allocate nothing.
 */
export class FrameSplitter {
  readonly #frameBytesMax: number;
  readonly #on: SplitterEvents;
  #assembly = new Uint8Array(0);
  #assembled = 0;
  #stopped = false;

  constructor(frameBytesMax: number, on: SplitterEvents) {
    this.#frameBytesMax = frameBytesMax;
    this.#on = on;
  }

  /** Throws WireViolation; nothing may be pushed after that. */
  push(chunk: Uint8Array): void {
    let at = this.#assembled === 0 ? 0 : this.#complete(chunk);
    while (!this.#stopped && chunk.length - at >= envelopeBytes) {
      const end = at + envelopeBytes + this.#guardEnvelope(chunk, at);
      if (end > chunk.length) break;
      this.#deliver(chunk, at, end);
      at = end;
    }
    if (!this.#stopped && at < chunk.length) this.#keep(chunk.subarray(at));
  }

  /** Nothing is delivered after this, not even from the chunk that is being cut. */
  stop(): void {
    this.#stopped = true;
    this.#assembly = new Uint8Array(0);
    this.#assembled = 0;
  }

  /** Bytes held of a frame that is not whole. */
  get heldBytes(): number {
    return this.#assembled;
  }

  /** Fills up the frame that was cut in two; gives how much of the chunk that took. */
  #complete(chunk: Uint8Array): number {
    let taken = 0;
    if (this.#assembled < envelopeBytes) {
      taken = Math.min(envelopeBytes - this.#assembled, chunk.length);
      this.#keep(chunk.subarray(0, taken));
      if (this.#assembled < envelopeBytes) return taken;
    }
    const whole = envelopeBytes + this.#guardEnvelope(this.#assembly, 0);
    const missing = Math.min(whole - this.#assembled, chunk.length - taken);
    this.#keep(chunk.subarray(taken, taken + missing), whole);
    invariant(() => this.#assembled <= whole, 'tcp-9 a frame is assembled within its length');
    if (this.#assembled === whole) {
      const frame = this.#assembly;
      this.#assembled = 0;
      this.#deliver(frame, 0, whole);
      if (frame.length > assemblyBytesKept) this.#assembly = new Uint8Array(0);
    }
    return taken + missing;
  }

  #keep(bytes: Uint8Array, whole = 0): void {
    const needed = this.#assembled + bytes.length;
    if (needed > this.#assembly.length) {
      // Twice as large each time: the bytes of a large frame are moved twice on average.
      const doubled = Math.max(assemblyBytesMin, this.#assembly.length * 2);
      const size = Math.max(needed, whole > 0 ? Math.min(doubled, whole) : doubled);
      const grown = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
      grown.set(this.#assembly.subarray(0, this.#assembled));
      this.#assembly = grown;
    }
    this.#assembly.set(bytes, this.#assembled);
    this.#assembled = needed;
  }

  /** The length after the envelope, checked before anything is done with it. */
  #guardEnvelope(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at);
    const type = bytes[at + 4] ?? 0;
    const channel = channelAt(bytes, at);
    const many = this.#on.control !== undefined;
    if (type === envelopeTypes.frame) {
      if (length === 0 || length > this.#frameBytesMax) {
        throw new WireViolation(
          'length',
          `a frame of ${length} bytes; at most ${this.#frameBytesMax}`,
        );
      }
      if (many !== channel > 0) throw new WireViolation('channel', `a frame of channel ${channel}`);
      return length;
    }
    if (type === envelopeTypes.ping || type === envelopeTypes.pong) {
      if (length !== pingBytes) throw new WireViolation('length', `a ping of ${length} bytes`);
      if (channel !== 0) throw new WireViolation('channel', `a ping of channel ${channel}`);
      return length;
    }
    const control = many ? controlBytes.get(type) : undefined;
    if (control === undefined) throw new WireViolation('type', `an envelope of type ${type}`);
    const [name, least, most] = control;
    if (length < least || length > most) {
      throw new WireViolation('length', `a '${name}' of ${length} bytes`);
    }
    if (channel === 0) throw new WireViolation('channel', `a '${name}' of channel 0`);
    return length;
  }

  #deliver(bytes: Uint8Array, at: number, end: number): void {
    const type = bytes[at + 4] ?? 0;
    const from = at + envelopeBytes;
    if (type === envelopeTypes.frame) {
      this.#on.frame(bytes.subarray(from, end), channelAt(bytes, at));
    } else if (type === envelopeTypes.ping) this.#on.ping(readU32(bytes, from));
    else if (type === envelopeTypes.pong) this.#on.pong(readU32(bytes, from));
    else {
      const name = controlBytes.get(type)?.[0];
      if (name !== undefined) {
        this.#on.control?.(name, channelAt(bytes, at), bytes.subarray(from, end));
      }
    }
  }
}

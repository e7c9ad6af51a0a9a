import { crc32 } from 'node:zlib';

/** A checksum over everything that happens: frames, executions, faults, and when. */
export class Trace {
  readonly #tell: ((line: string) => void) | undefined;
  readonly #head = new Float64Array(3);
  readonly #headBytes = new Uint8Array(this.#head.buffer);
  #hash = 0;
  frames = 0;

  /** `tell` hears every line. */
  constructor(tell?: (line: string) => void) {
    this.#tell = tell;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  note(line: string): void {
    this.#hash = crc32(line, this.#hash);
    this.#tell?.(line);
  }

  frame(from: number, to: number, nowMs: number, frame: Uint8Array): void {
    this.#head[0] = from;
    this.#head[1] = to;
    this.#head[2] = nowMs;
    this.#hash = crc32(frame, crc32(this.#headBytes, this.#hash));
    this.frames += 1;
    this.#tell?.(`frame ${from}>${to} ${frame[2]}.${frame[3]} ${frame.length} bytes ${nowMs}`);
  }
}

import { ensures } from '@rsl/contracts';
import type { CommandSource } from '../host/halves.ts';
import { type Ballot, compareBallots, sameBallot } from '../paxos/ballot.ts';

interface StagedSegment {
  readonly ballot: Ballot;
  readonly bytes: Uint8Array;
}

/**
 * Segments of its application's commands that an engine holds, each taken for the leader of one
 * ballot. They go to that leader, or to nobody: the application counts them as sent in that ballot,
 * and queues them again once it has executed a batch of a higher one (see `Proposals`). Were they
 * given to the next leader, they could execute twice.
 */
export class Staged implements CommandSource {
  readonly epoch: number;
  /** One word, shared: bytes that are here no more, modulo 2^32. */
  readonly #done: Int32Array;
  #segments: StagedSegment[] = [];
  #bytes = 0;
  /** Segments that went to nobody. */
  dropped = 0;

  constructor(epoch: number, memory: SharedArrayBuffer) {
    this.epoch = epoch;
    this.#done = new Int32Array(memory);
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(ballot: Ballot, bytes: Uint8Array): void {
    this.#segments.push({ ballot, bytes });
    this.#bytes += bytes.length;
  }

  takeSegments(ballot: Ballot, commandsMax: number, bytesMax: number): Uint8Array[] {
    this.#keep((segment) => sameBallot(segment.ballot, ballot));
    let count = 0;
    let bytes = 0;
    let commands = 0;
    for (const segment of this.#segments) {
      bytes += segment.bytes.length;
      commands += commandsOf(segment.bytes);
      if (count > 0 && (bytes > bytesMax || commands > commandsMax)) break;
      count += 1;
    }
    const taken = this.#segments.splice(0, count);
    ensures(
      () => taken.every((segment) => sameBallot(segment.ballot, ballot)),
      'staged-1 commands go to the leader that they were taken for, or to nobody',
    );
    this.#gone(taken);
    return taken.map((segment) => segment.bytes);
  }

  /** Their leader leads no more: it is for the application to send them again. */
  requeueBelow(ballot: Ballot): void {
    this.#keep((segment) => compareBallots(segment.ballot, ballot) >= 0);
  }

  #keep(isKept: (segment: StagedSegment) => boolean): void {
    if (this.#segments.every(isKept)) return;
    const dropped = this.#segments.filter((segment) => !isKept(segment));
    this.#segments = this.#segments.filter(isKept);
    this.dropped += dropped.length;
    this.#gone(dropped);
  }

  #gone(segments: readonly StagedSegment[]): void {
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
    this.#bytes -= bytes;
    Atomics.add(this.#done, 0, bytes);
  }
}

const commandsOf = (segment: Uint8Array): number =>
  new DataView(segment.buffer, segment.byteOffset).getUint32(4, true);

/** The application's side: how much more it may give. */
export class StagingCredit {
  readonly #done: Int32Array;
  readonly #bytesMax: number;
  #given = 0;

  constructor(memory: SharedArrayBuffer, bytesMax: number) {
    this.#done = new Int32Array(memory);
    this.#bytesMax = bytesMax;
  }

  /** Bytes that may be given now; 0 or less: none. */
  get left(): number {
    return this.#bytesMax - ((this.#given - Atomics.load(this.#done, 0)) >>> 0);
  }

  take(bytes: number): void {
    this.#given = (this.#given + bytes) >>> 0;
  }
}

import { encodeSegment, type SessionPart } from '../codec/segment.ts';
import type { SessionName } from '../sessions/session-name.ts';
import { clientFrame } from './client-messages.ts';

/** Results in one frame, but for a single large one. */
const frameResultBytesMax = 256 * 1024;

/** Results of consecutive sequences of one session, in the order in which they came. */
interface Run extends SessionName {
  readonly first: number;
  readonly results: Uint8Array[];
  bytes: number;
}

/** Results for one client, from when they are there until they have left: many in a frame. */
export class ResultQueue {
  #runs: Run[] = [];

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  add({ slot, offset }: SessionName, sequence: number, result: Uint8Array): void {
    const last = this.#runs.at(-1);
    const follows =
      last !== undefined &&
      last.slot === slot &&
      last.offset === offset &&
      last.first + last.results.length === sequence &&
      last.bytes + result.length <= frameResultBytesMax;
    if (!follows) {
      this.#runs.push({ slot, offset, first: sequence, results: [result], bytes: result.length });
      return;
    }
    last.results.push(result);
    last.bytes += result.length;
  }

  /** Gives frame after frame to `send`, until it takes no more; that one comes again. */
  flush(send: (parts: readonly Uint8Array[], run: SessionPart) => boolean): void {
    let sent = 0;
    for (const { slot, offset, first, results } of this.#runs) {
      const session = { slot, offset, firstSequence: first, acknowledged: 0 };
      const header = { origin: 0, epoch: 0, firstSequence: first, session };
      const segment = encodeSegment(header, results);
      if (!send(clientFrame({ kind: 'results', segment }), session)) break;
      sent += 1;
    }
    this.#runs.splice(0, sent);
  }

  clear(): void {
    this.#runs = [];
  }
}

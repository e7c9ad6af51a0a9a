import type { Settings } from './options.ts';

/** Whether the other side of one connection still lives, from what was heard of it and when. */
export class Liveness {
  readonly #settings: Settings;
  #heardMs: number;
  #pingedMs: number;
  #pingNumber = 0;
  #probe: { readonly number: number; readonly deadlineMs: number } | undefined;

  constructor(settings: Settings, nowMs: number) {
    this.#settings = settings;
    this.#heardMs = this.#pingedMs = nowMs;
  }

  /** Bytes came, or the other side has taken some of ours. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** What is to be done now: nothing, ask, or give it up. */
  look(nowMs: number): 'fine' | 'ping' | { readonly dead: string } {
    const { pingIntervalMs, deadAfterMs } = this.#settings;
    if (this.#probe !== undefined && nowMs >= this.#probe.deadlineMs) {
      return { dead: 'no answer, and somebody else came with its id' };
    }
    if (nowMs - this.#heardMs >= deadAfterMs) return { dead: `silent for ${deadAfterMs} ms` };
    const quietSinceMs = Math.max(this.#heardMs, this.#pingedMs);
    return nowMs - quietSinceMs >= pingIntervalMs ? 'ping' : 'fine';
  }

  /** The number of the ping that is sent now. */
  ping(nowMs: number): number {
    this.#pingedMs = nowMs;
    this.#pingNumber = (this.#pingNumber + 1) >>> 0;
    return this.#pingNumber;
  }

  /** Demands an answer to a ping that is sent now; undefined if one is awaited already. */
  probe(nowMs: number): number | undefined {
    if (this.#probe !== undefined) return undefined;
    const number = this.ping(nowMs);
    this.#probe = { number, deadlineMs: nowMs + this.#settings.probeTimeoutMs };
    return number;
  }

  cancelProbe(): void {
    this.#probe = undefined;
  }

  /** True if this is the answer that a probe demands. */
  answered(number: number): boolean {
    if (this.#probe?.number !== number) return false;
    this.#probe = undefined;
    return true;
  }
}

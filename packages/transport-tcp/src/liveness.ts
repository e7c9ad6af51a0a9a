/** How long silence may last. */
export interface LivenessSettings {
  readonly pingIntervalMs: number;
  readonly deadAfterMs: number;
}

/** Whether the other side of one connection still lives, from what was heard of it and when. */
export class Liveness {
  readonly #settings: LivenessSettings;
  #heardMs: number;
  #pingedMs: number;
  #pingNumber = 0;
  #probe: { readonly number: number; readonly deadlineMs: number } | undefined;

  constructor(settings: LivenessSettings, nowMs: number) {
    this.#settings = settings;
    this.#heardMs = this.#pingedMs = nowMs;
  }

  /** Bytes came, or the other side has taken some of ours. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** What is to be done now: nothing, ask, or give it up. */
  look(nowMs: number): 'fine' | 'ping' | { readonly dead: string } {
    const { deadAfterMs } = this.#settings;
    if (this.#probe !== undefined && nowMs >= this.#probe.deadlineMs) {
      return { dead: 'no answer, and somebody else came with its id' };
    }
    if (nowMs - this.#heardMs >= deadAfterMs) return { dead: `silent for ${deadAfterMs} ms` };
    return this.isQuiet(nowMs) ? 'ping' : 'fine';
  }

  /** Nothing was heard, asked or said for as long as a ping takes to be due. */
  isQuiet(nowMs: number): boolean {
    return nowMs - Math.max(this.#heardMs, this.#pingedMs) >= this.#settings.pingIntervalMs;
  }

  /** The number of a sign of life that nobody has asked for: no ping has it. */
  sign(nowMs: number): number {
    this.#pingedMs = nowMs;
    return 0;
  }

  /** The number of the ping that is sent now. */
  ping(nowMs: number): number {
    this.#pingedMs = nowMs;
    this.#pingNumber = (this.#pingNumber % 0xffff_ffff) + 1;
    return this.#pingNumber;
  }

  /** Demands an answer to a ping that is sent now; undefined if one is awaited already. */
  probe(nowMs: number, timeoutMs: number): number | undefined {
    if (this.#probe !== undefined) return undefined;
    const number = this.ping(nowMs);
    this.#probe = { number, deadlineMs: nowMs + timeoutMs };
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

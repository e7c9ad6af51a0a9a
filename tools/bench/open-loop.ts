/** Commands at a steady rate, whatever becomes of them: each has a time at which it is due. */
import {
  createHistogram,
  type IntervalHistogram,
  monitorEventLoopDelay,
  type RecordableHistogram,
} from 'node:perf_hooks';
import type { Replica } from '@rsl/core';
import { patchOf } from './values.ts';
import type { Load, Phase } from './words.ts';

/** Commands to a call. */
const callMax = 1_000;
const drawn = 16_384;
const timeoutMs = 60_000;

class Counted {
  readonly #fromMs = performance.now();
  readonly tookUs: RecordableHistogram = createHistogram();
  readonly #turns: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  due = 0;
  errors = 0;
  acknowledged = 0;
  #ms = 0;

  constructor() {
    this.#turns.enable();
  }

  end(): void {
    this.#turns.disable();
    this.#ms = performance.now() - this.#fromMs;
  }

  get told(): Phase {
    const ms = (percent: number): number => rounded(this.tookUs.percentile(percent) / 1_000);
    return {
      ms: Math.round(this.#ms),
      due: this.due,
      errors: this.errors,
      acknowledgedPerSecond: Math.round((1_000 * this.acknowledged) / this.#ms),
      p50Ms: ms(50),
      p99Ms: ms(99),
      p999Ms: ms(99.9),
      maxMs: rounded(this.tookUs.max / 1_000),
      longestTurnMs: rounded(this.#turns.max / 1e6),
    };
  }
}

const rounded = (ms: number): number => Number(ms.toFixed(1));

/** Random values, always the same ones. */
export function commandsOf({ commandBytes, keys }: Load): Uint8Array[] {
  let state = 1;
  return Array.from({ length: drawn }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return patchOf((state >>> 4) % keys, commandBytes);
  });
}

export class OpenLoop {
  readonly #replica: Replica;
  readonly #commands: readonly Uint8Array[];
  readonly #perMs: number;
  readonly #fromMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #phases = new Map<string, Counted>();
  #phase = new Counted();
  #sent = 0;
  #open = 0;
  #drained: (() => void) | undefined;

  constructor(replica: Replica, load: Load) {
    this.#replica = replica;
    this.#commands = commandsOf(load);
    this.#perMs = load.perSecond / 1_000;
    this.phase('begin');
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  /** What is due from now on counts under this name. */
  phase(name: string): void {
    this.#phase.end();
    this.#phase = new Counted();
    this.#phases.set(name, this.#phase);
  }

  /** Resolves once nothing is on its way any more. */
  async end(): Promise<Record<string, Phase>> {
    clearInterval(this.#timer);
    this.#phase.end();
    if (this.#open > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    return Object.fromEntries([...this.#phases].map(([name, one]) => [name, one.told]));
  }

  /** All that have become due since the last time, however long ago that was. */
  #tick(): void {
    const due = Math.floor((performance.now() - this.#fromMs) * this.#perMs);
    while (this.#sent < due) this.#send(Math.min(callMax, due - this.#sent));
  }

  #send(count: number): void {
    const phase = this.#phase;
    const first = this.#sent;
    const from = first % this.#commands.length;
    const commands = this.#commands.slice(from, from + count);
    this.#sent += commands.length;
    this.#open += commands.length;
    phase.due += commands.length;
    const result = (i: number): void => {
      const dueMs = this.#fromMs + (first + i) / this.#perMs;
      const tookUs = 1_000 * (performance.now() - dueMs);
      phase.tookUs.record(Math.max(1, Math.round(tookUs)));
      this.#phase.acknowledged += 1;
      this.#ended(1);
    };
    const error = (): void => {
      phase.errors += 1;
      this.#ended(1);
    };
    try {
      this.#replica.proposeMany(commands, { result, error }, { timeoutMs });
    } catch {
      phase.errors += commands.length;
      this.#ended(commands.length);
    }
  }

  #ended(count: number): void {
    this.#open -= count;
    if (this.#open === 0) this.#drained?.();
  }
}

/** As many as get through, with so many on their way at any time. */
export async function mostPerSecond(replica: Replica, load: Load, ms: number): Promise<number> {
  const commands = commandsOf(load);
  const calls = 10;
  let [done, isRunning] = [0, true];
  const run = (number: number): void => {
    const from = (number * callMax) % (drawn - callMax);
    let left = callMax;
    const answered = (): void => {
      done += 1;
      left -= 1;
      if (left === 0 && isRunning) run(number + calls);
    };
    const results = { result: answered, error: answered };
    replica.proposeMany(commands.slice(from, from + callMax), results, { timeoutMs });
  };
  for (let i = 0; i < calls; i += 1) run(i);
  await new Promise((resolve) => setTimeout(resolve, ms / 4));
  const [before, fromMs] = [done, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  isRunning = false;
  return Math.round((1_000 * (done - before)) / (performance.now() - fromMs));
}

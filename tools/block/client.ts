/** Callers of one replica: a few that wait for each command, and as many as get through. */
import type { Replica } from '@rsl/core';
import type { Loaded, Observed } from './words.ts';

/** Commands that wait at a time. */
const outstanding = 8;
const timeoutMs = 60_000;

const commandsPerCall = 1_000;
const callsAtATime = 20;

export type Command =
  | { readonly kind: 'add' }
  | { readonly kind: 'block'; readonly id: number; readonly ms: number };

/** Keeps so many commands waiting, and counts how long each was. */
export class Client {
  readonly #replica: Replica<Command, number>;
  readonly #tookMs: number[] = [];
  #errors = 0;
  #isRunning = true;

  constructor(replica: Replica<Command, number>) {
    this.#replica = replica;
    for (let i = 0; i < outstanding; i += 1) void this.#run();
  }

  stop(): Observed {
    this.#isRunning = false;
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const at = (part: number): number =>
      Number((sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1));
    const acknowledged = sorted.length;
    return { acknowledged, errors: this.#errors, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const sentAtMs = performance.now();
      try {
        await this.#replica.propose({ kind: 'add' }, { timeoutMs });
        if (this.#isRunning) this.#tookMs.push(performance.now() - sentAtMs);
      } catch {
        this.#errors += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}

/** Small commands, many to a call, as many as get through. */
export async function load(
  replica: Replica<Command, number>,
  encoded: Uint8Array,
  ms: number,
): Promise<Loaded> {
  const commands = Array.from({ length: commandsPerCall }, () => encoded);
  let done = 0;
  let isRunning = true;
  const run = (): void => {
    let left = commands.length;
    const answered = (): void => {
      done += 1;
      left -= 1;
      if (left === 0 && isRunning) run();
    };
    replica.proposeMany(commands, { result: answered, error: answered }, { timeoutMs });
  };
  for (let i = 0; i < callsAtATime; i += 1) run();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const [before, beganMs] = [done, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  const commandsPerSecond = Math.round((1_000 * (done - before)) / (performance.now() - beganMs));
  isRunning = false;
  return { commandsPerSecond };
}

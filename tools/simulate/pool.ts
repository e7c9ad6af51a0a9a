import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BuildName } from './arguments.ts';
import type { Case, Outcome } from './seed.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));
const loader = new URL('../build/run-sources.mjs', import.meta.url).href;

const conditions: Readonly<Record<BuildName, readonly string[]>> = {
  source: ['--conditions=@rsl/source'],
  development: ['--conditions=development'],
  production: [],
};

/**
 * In MiB. A seed makes much garbage that dies young: with more room, less of it is looked at; with
 * much more, it no longer stays in the processor's caches.
 */
const youngGeneration = '--max-semi-space-size=16';

/** As many processes as asked for, each with one case at a time, on one of the builds. */
export class Pool {
  readonly #free: ChildProcess[];
  readonly #all: readonly ChildProcess[];
  readonly #waiting: ((child: ChildProcess) => void)[] = [];

  constructor(jobs: number, build: BuildName) {
    const execArgv = [...conditions[build], youngGeneration, '--import', loader];
    this.#all = Array.from({ length: jobs }, () => fork(worker, { execArgv }));
    this.#free = [...this.#all];
  }

  async run(one: Case): Promise<Outcome> {
    const child = await this.#take();
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const onExit = (code: number | null): void =>
          reject(new Error(`seed ${one.seed}: the process ended with code ${code}`));
        child.once('exit', onExit);
        child.once('message', (outcome: Outcome) => {
          child.off('exit', onExit);
          resolve(outcome);
        });
        child.send(one);
      });
    } finally {
      this.#give(child);
    }
  }

  close(): void {
    for (const child of this.#all) child.kill();
  }

  #take(): Promise<ChildProcess> {
    const child = this.#free.pop();
    if (child !== undefined) return Promise.resolve(child);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(child: ChildProcess): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(child);
    else next(child);
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Given, Question, Setup, Wanted } from './words.ts';

interface Waiter {
  readonly resolve: (given: never) => void;
  readonly reject: (error: Error) => void;
}

const sampleEveryMs = 20;

/** A process that was started, and what it is asked to do. */
export class Remote {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiter>();
  #questions = 0;
  #isWatched = true;

  constructor(setup: Setup) {
    mkdirSync(setup.folder, { recursive: true });
    this.id = setup.id;
    const file = fileURLToPath(new URL('./process.ts', import.meta.url));
    this.#child = fork(file, [JSON.stringify(setup)], { execArgv: process.execArgv });
    this.#child.on('message', ({ error, given, number }: Answer) => {
      const waiter = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) waiter?.resolve(given as never);
      else waiter?.reject(new Error(`process ${this.id}: ${error}`));
    });
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`process ${this.id} has ended with ${code ?? signal}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  ask<W extends Wanted>(wanted: W): Promise<Given[W['kind']]> {
    this.#questions += 1;
    const number = this.#questions;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, wanted } satisfies Question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Resident, as the kernel counts. */
  get memoryBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  }

  /** The most memory until it is asked. */
  watchMemory(): () => number {
    let most = this.memoryBytes;
    const timer = setInterval(() => {
      if (this.#isWatched) most = Math.max(most, this.memoryBytes);
    }, sampleEveryMs);
    return () => {
      clearInterval(timer);
      return most;
    };
  }

  /** At once, as if the power had gone for this process only. */
  async kill(): Promise<void> {
    this.#isWatched = false;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

export async function leading(remotes: readonly Remote[]): Promise<Remote> {
  for (;;) {
    const moments = await Promise.all(remotes.map((remote) => remote.ask({ kind: 'moment' })));
    const leaders = new Set(moments.map(({ leader }) => leader));
    const found = remotes.find(({ id }, i) => leaders.has(id) && moments[i]?.leads === true);
    if (found !== undefined && leaders.size === 1) return found;
    await sleep(20);
  }
}

/** All have executed what the first of them has. */
export async function settled([first, ...others]: readonly Remote[]): Promise<void> {
  if (first === undefined) return;
  const { executedThrough } = await first.ask({ kind: 'moment' });
  for (const other of others) {
    while ((await other.ask({ kind: 'moment' })).executedThrough < executedThrough) await sleep(20);
  }
}

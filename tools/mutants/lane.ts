/** A copy, and the process that runs its tests: one mutant after the other. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Copy } from './copy.ts';
import type { Mutant } from './mutant.ts';
import type { Answer, Build, Question } from './questions.ts';

const session = fileURLToPath(new URL('session.ts', import.meta.url));
const loader = new URL('../build/run-sources.mjs', import.meta.url).href;

export class Lane {
  readonly #copy: Copy;
  readonly #answerMsMax: number;
  #child: ChildProcess | undefined;
  #changed: string[] = [];

  constructor(root: string, answerMsMax: number) {
    this.#copy = new Copy(root);
    this.#answerMsMax = answerMsMax;
  }

  /** Runs with the mutant in place; it is gone again afterwards. */
  async with<T>(mutant: Mutant, run: () => Promise<T>): Promise<T> {
    const undo = this.#copy.apply(mutant);
    this.#changed.push(mutant.file);
    try {
      return await run();
    } finally {
      undo();
      this.#changed.push(mutant.file);
    }
  }

  /** Undefined if there was no answer in time. */
  async ask(
    file: string,
    build: Build,
    answerMsMax = this.#answerMsMax,
  ): Promise<Answer | undefined> {
    const child = await this.#started();
    const changed = this.#changed.splice(0);
    const told = next<Answer>(child, answerMsMax);
    child.send({ build, file, changed } satisfies Question);
    const answer = await told;
    if (answer === undefined) await this.#end();
    return answer;
  }

  async close(): Promise<void> {
    await this.#end();
    this.#copy.remove();
  }

  async #started(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child;
    const execArgv = ['--conditions=@rsl/source', '--import', loader];
    const { folder } = this.#copy;
    // A group of its own, so that it ends with all that it has started, whatever that does.
    const child = fork(session, [folder], {
      execArgv,
      cwd: folder,
      env: environment(),
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ready = await next<'ready'>(child, startMsMax);
    if (ready === undefined) throw new Error('vitest did not start');
    this.#child = child;
    return child;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

const startMsMax = 60_000;

/** Without what another vitest, or a choice of a build, has left there. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|RSL_|NODE_ENV$)/.test(name)),
  );

/** The next message; undefined if none comes in time, an error if none will come. */
function next<T>(child: ChildProcess, msMax: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
    };
    const onMessage = (message: T): void => {
      settle();
      resolve(message);
    };
    const onExit = (): void => {
      settle();
      reject(new Error('the process that runs the tests has ended'));
    };
    const timer = setTimeout(() => {
      settle();
      resolve(undefined);
    }, msMax);
    child.on('message', onMessage).on('exit', onExit);
  });
}

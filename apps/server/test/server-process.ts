import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

type LogLine = Readonly<Record<string, unknown>>;

/** `rsl-server` as a process of its own, from the sources. */
export class ServerProcess {
  readonly lines: LogLine[] = [];
  readonly exitCode: Promise<number | null>;
  output = '';
  readonly #child: ChildProcess;
  #stderr = '';
  #onLine: () => void = () => undefined;

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [...process.execArgv, main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stderr?.on('data', (bytes) => {
      this.#stderr += String(bytes);
    });
    if (this.#child.stdout !== null) {
      createInterface(this.#child.stdout).on('line', (line) => {
        this.output += `${line}\n`;
        if (line.startsWith('{"')) this.lines.push(JSON.parse(line));
        this.#onLine();
      });
    }
    this.exitCode = once(this.#child, 'close').then(([code]) => {
      this.#onLine();
      return code as number | null;
    });
  }

  /** What it said on stderr, when it has ended. */
  async lastWords(): Promise<string> {
    await this.exitCode;
    return this.#stderr;
  }

  /** The first log line of that event; throws if the process ends without it. */
  async event(name: string): Promise<LogLine> {
    while (true) {
      const line = this.lines.find(({ event }) => event === name);
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null) throw new Error(`no ${name}: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  async clientPort(): Promise<number> {
    const { clients } = await this.event('ready');
    return Number(String(clients).split(':').at(-1));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

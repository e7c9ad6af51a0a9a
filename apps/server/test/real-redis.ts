import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** The real redis-server, if it is on this machine, on a free port and without files. */
export class RealRedis {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #directory: string;

  /** Or why not. */
  static async start(): Promise<RealRedis | string> {
    const port = await freePort();
    const directory = mkdtempSync(join(tmpdir(), 'rsl-redis-'));
    const options = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'];
    const redis = spawn('redis-server', ['--port', String(port), '--dir', directory, ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const outcome = await Promise.race([ready(redis), failed(redis)]);
    if (outcome === undefined) return new RealRedis(port, redis, directory);
    rmSync(directory, { recursive: true });
    return outcome;
  }

  private constructor(port: number, redis: ChildProcess, directory: string) {
    this.port = port;
    this.#process = redis;
    this.#directory = directory;
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
    rmSync(this.#directory, { recursive: true });
  }
}

async function ready(redis: ChildProcess): Promise<undefined> {
  let output = '';
  for await (const chunk of redis.stdout ?? []) {
    output += String(chunk);
    if (output.includes('Ready to accept connections')) break;
  }
}

async function failed(redis: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    redis.once('error', (error) => resolve(`redis-server does not start: ${error.message}`));
    redis.once('exit', (code) => resolve(`redis-server ended with code ${code}`));
  });
}

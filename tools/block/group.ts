/** Three processes, and the groups that have a replica in each of them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PeerAddress } from '@rsl/core';
import type { Answer, Moment, Question, Setup, Wanted } from './words.ts';

/** As long as a group may take to agree on who leads it. */
const electingMsMax = 60_000;

export class Remote {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer['answer']) => void>();
  #questions = 0;

  constructor(setup: Setup) {
    this.id = setup.id;
    const file = fileURLToPath(new URL('./process.ts', import.meta.url));
    this.#child = fork(file, [JSON.stringify(setup)], { execArgv: process.execArgv });
    this.#child.on('message', ({ number, answer }: Answer) => {
      this.#waiting.get(number)?.(answer);
      this.#waiting.delete(number);
    });
    this.#child.on('exit', (code) => {
      if (code === 0) return;
      console.error(`process ${this.id} has ended with ${code}`);
      process.exit(1);
    });
  }

  ask<T extends Answer['answer']>(group: string, wanted: Wanted): Promise<T> {
    this.#questions += 1;
    const number = this.#questions;
    this.#child.send({ number, group, wanted } satisfies Question);
    return new Promise((resolve) => this.#waiting.set(number, resolve as never));
  }

  end(): void {
    this.#child.disconnect();
  }
}

export class Group {
  readonly name: string;
  readonly #processes: readonly Remote[];

  private constructor(name: string, processes: readonly Remote[]) {
    this.name = name;
    this.#processes = processes;
  }

  /** Opens a replica in each process and forms a group of them, at one of them. */
  static async form(
    name: string,
    folder: string,
    { processes, at }: { readonly processes: readonly Remote[]; readonly at: number },
  ): Promise<Group> {
    const ports = await Promise.all(processes.map(freePort));
    const members = processes.map(({ id }, i) => ({
      id,
      addresses: { tcp: `127.0.0.1:${ports[i]}` },
    })) satisfies PeerAddress[];
    const group = new Group(name, processes);
    await group.askAll(group.ids, { kind: 'open', members, folder: join(folder, name) });
    await group.ask(at, { kind: 'bootstrap' });
    return group;
  }

  get ids(): readonly number[] {
    return this.#processes.map(({ id }) => id);
  }

  ask<T extends Answer['answer']>(id: number, wanted: Wanted): Promise<T> {
    const found = this.#processes.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no process ${id}`);
    return found.ask(this.name, wanted);
  }

  askAll<T extends Answer['answer']>(ids: readonly number[], wanted: Wanted): Promise<T[]> {
    return Promise.all(ids.map((id) => this.ask<T>(id, wanted)));
  }

  /** Of whom all say that it leads. */
  async leader(): Promise<number> {
    const endMs = performance.now() + electingMsMax;
    while (performance.now() < endMs) {
      const moments = await this.askAll<Moment>(this.ids, { kind: 'moment' });
      const leaders = new Set(moments.map(({ leader }) => leader));
      const found = this.ids.find((id) => leaders.size === 1 && leaders.has(id));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${this.name} has no leader that all know after ${electingMsMax} ms`);
  }

  async close(): Promise<void> {
    await this.askAll(this.ids, { kind: 'close' });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

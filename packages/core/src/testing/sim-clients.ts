import type { Client } from './client.ts';
import { ClientGone, ClientTurn } from './client.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimProcess } from './sim-process.ts';
import { SimSession } from './sim-session.ts';
import type { SimWorld } from './sim-world.ts';
import type { Watch } from './watch.ts';

export interface SimClientsOptions {
  readonly world: SimWorld;
  readonly processes: readonly SimProcess[];
  readonly watch: Watch;
  readonly client: Client;
  readonly failed: (error: unknown) => void;
}

/** Clients that take one turn after the other, each at any replica that runs. */
export class SimClients {
  readonly #options: SimClientsOptions;
  readonly #sessions: SimSession[] = [];
  #commands = 0;
  /** Nobody begins a turn. */
  isQuiet = false;

  constructor(options: SimClientsOptions) {
    this.#options = options;
  }

  /** The number of the next command. */
  readonly next = (): number => (this.#commands += 1);

  /** Commands of sessions that were answered after they had been sent more than once. */
  get retried(): number {
    return this.#sessions.reduce((sum, { retried }) => sum + retried, 0);
  }

  start(client: number, random: SeededRandom): void {
    const { world, processes } = this.#options;
    // Some wait for their results, others do not: then much is open at a time.
    const waits = client % 2 === 0;
    const pauseMs = random.pick(waits ? [50, 200, 400] : [200, 400, 800]);
    const session = new SimSession();
    this.#sessions.push(session);
    const again = (): void => world.later(5 + random.below(pauseMs), go);
    const go = (): void => {
      const process = random.pick(processes);
      if (process.replica === undefined || this.isQuiet) return again();
      const done = this.#turn(client, random, process, session);
      if (waits) void done.then(again);
      else again();
    };
    again();
  }

  #turn(
    client: number,
    random: SeededRandom,
    process: SimProcess,
    session: SimSession,
  ): Promise<void> {
    const { world, watch } = this.#options;
    const next = this.next;
    const turn = new ClientTurn({ client, random, world, process, watch, next, session });
    return this.#options.client(turn).catch((error: unknown) => this.#onFailed(error));
  }

  /** To be told no is a client's daily life; anything else is a failure of the seed. */
  #onFailed(error: unknown): void {
    const isTold = error instanceof Error && 'outcome' in error;
    if (!isTold && !(error instanceof ClientGone)) this.#options.failed(error);
  }
}

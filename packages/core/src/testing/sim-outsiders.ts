import { type ClientServer, connectClient, serveClients } from '../client/index.ts';
import type { Client } from '../client/client.ts';
import { RslError } from '../errors.ts';
import { MemoryClientNetwork } from './memory-client-network.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimProcess } from './sim-process.ts';
import { SimClock, type SimWorld } from './sim-world.ts';
import type { Watch } from './watch.ts';
import { numbered } from './witness.ts';

export interface OutsidersOptions {
  readonly world: SimWorld;
  readonly processes: readonly SimProcess[];
  readonly watch: Watch;
  readonly random: SeededRandom;
  /** How soon an idle group sleeps; 0: never. */
  readonly sleepAfterMs: number;
  /** The number of the next command. */
  readonly next: () => number;
  readonly failed: (error: unknown) => void;
}

export const clientAddress = (id: number): string => `client:${id}`;

/** Clients in processes of their own, by the production client and its way into a replica. */
export class Outsiders {
  readonly #options: OutsidersOptions;
  readonly #network: MemoryClientNetwork;
  readonly #acknowledged = new Map<number, number>();
  readonly #servers = new Map<number, ClientServer>();
  /** Nobody begins a turn; sessions are kept as ever. */
  isQuiet = false;

  constructor(options: OutsidersOptions) {
    this.#options = options;
    const { processes, random, watch, world } = options;
    const delays = random.fork('delays');
    this.#network = new MemoryClientNetwork({
      later: (delayMs, run) => world.later(delayMs, () => watch.guarded(run)),
      delayMs: ({ address }) => {
        const process = processes.find(({ id }) => clientAddress(id) === address);
        return (process?.waitsMs ?? 0) + 0.1 + delays.below(20) / 10;
      },
    });
  }

  /** The replica has started, and takes clients in until its process is gone. */
  serve(process: SimProcess): void {
    const { clock, replica, starts, stateMachine } = process;
    if (replica === undefined || clock === undefined) return;
    const address = clientAddress(process.id);
    const gone = (): void => {
      this.#network.break(address);
      void this.#servers.get(process.id)?.close();
      this.#servers.delete(process.id);
    };
    process.onGone.add(gone);
    const listen = this.#network.listener(address);
    const options = { listen, clock, ...(stateMachine === undefined ? {} : { stateMachine }) };
    serveClients(replica, options).then(
      (server) => {
        if (process.isUp && process.starts === starts) this.#servers.set(process.id, server);
        else void server.close();
      },
      (error: unknown) => this.#options.failed(error),
    );
  }

  start(client: number): void {
    const { processes, random: all, sleepAfterMs, world } = this.#options;
    const random = all.fork(`client ${client}`);
    const clock = new SimClock(world);
    const made = connectClient({
      group: 'simulated',
      addresses: processes.map(({ id }) => clientAddress(id)),
      connector: this.#network.connector(clock),
      // An open session is used three times in its time-out: that is to leave time for sleep.
      sessionTtlMs: Math.max(10 * sleepAfterMs, random.pick([1_500, 5_000, 60_000])),
      limits: { frameCommandsMax: random.pick([1, 3, 1_024]) },
      clock,
      random,
    });
    const pauseMs = random.pick([100, 600, 1_200]);
    this.#acknowledged.set(client, 0);
    const go = (): void => {
      const failed = (error: unknown): void => this.#options.failed(error);
      if (!this.isQuiet) void this.#turn(client, made, random).catch(failed);
      world.later(5 + random.below(pauseMs), go);
    };
    go();
  }

  /** The connections of clients with one replica break. */
  breakSome(random: SeededRandom): number {
    const { id } = random.pick(this.#options.processes);
    this.#network.break(clientAddress(id));
    return id;
  }

  /** How many commands of each client were answered. */
  get acknowledged(): readonly number[] {
    return [...this.#acknowledged.values()];
  }

  async #turn(id: number, client: Client, random: SeededRandom): Promise<void> {
    const { watch, world } = this.#options;
    const timeoutMs = random.pick([300, 4_000, 4_000, 4_000]);
    const isQuery = random.chance(15);
    const what = `${isQuery ? 'a question' : 'a command'} of a client elsewhere`;
    const call = watch.calls.begin({ what, dueMs: world.nowMs + 1.5 * timeoutMs + 500 });
    try {
      await (isQuery
        ? this.#query(client, timeoutMs)
        : this.#propose(id, client, timeoutMs, random));
    } finally {
      watch.calls.end(call);
    }
  }

  /** The state machine answers with the last slot of which it has executed a batch. */
  async #query(client: Client, timeoutMs: number): Promise<void> {
    const { reads } = this.#options.watch;
    const { acknowledged } = reads;
    const answer = await client.query(new Uint8Array(0), { timeoutMs }).catch(told);
    if (answer === undefined) return;
    const slot = Number(Buffer.from(answer).toString());
    this.#options.watch.guarded(() => reads.onRead(0, acknowledged, slot, slot));
  }

  async #propose(
    id: number,
    client: Client,
    timeoutMs: number,
    random: SeededRandom,
  ): Promise<void> {
    const { next, watch } = this.#options;
    const { outcomes, reads } = watch;
    const number = next();
    const command = numbered(number, Buffer.alloc(random.below(24), number));
    try {
      await client.propose(command, { timeoutMs });
    } catch (error) {
      if (!(error instanceof RslError)) throw error;
      return watch.guarded(() => outcomes.onError(number, error.outcome));
    }
    this.#acknowledged.set(id, (this.#acknowledged.get(id) ?? 0) + 1);
    watch.guarded(() => reads.onAcknowledged(outcomes.onResult(number).slot));
  }
}

/** To be told no is a client's daily life. */
function told(error: unknown): undefined {
  if (!(error instanceof RslError)) throw error;
}

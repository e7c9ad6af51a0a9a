import type { Replica } from '../api.ts';
import { systemClock } from '../host/system-clock.ts';
import { systemRandom } from '../host/system-random.ts';
import { checkInteger } from '../options.ts';
import type { ClientConnection, ClientListener } from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import type { Port } from '../ports/port.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { GatewayConnection } from './gateway-connection.ts';

/** What `serveClients` is given beside the replica. */
export interface ServeClientsOptions {
  readonly listen: Port<ClientListener>;
  /** Answers queries; the state machine given to `startReplica`. Without it there are none. */
  readonly stateMachine?: Pick<StateMachine, 'query'>;
  /** Commands of one connection that wait for their results; 1 … 1,048,576, 16,384 unless given. */
  readonly connectionCommandsMax?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** What takes clients in for one replica. */
export interface ClientServer {
  /** Where clients reach it. */
  readonly address: string;
  /** Connections that stand. */
  readonly connections: number;
  /** Closes all connections. Their clients go on elsewhere. A second call waits too. */
  close(): Promise<void>;
}

const statusIntervalMs = 500;

/**
 * Takes clients in for a replica that runs here: their sessions, commands and queries, by its
 * public calls. Ends with the replica. Members tell clients where to go by the address named
 * `client` in `bootstrap`.
 */
export async function serveClients<C, R>(
  replica: Replica<C, R>,
  options: ServeClientsOptions,
): Promise<ClientServer> {
  const { clock = systemClock, connectionCommandsMax = 16_384, logger = silentLogger } = options;
  checkInteger('connectionCommandsMax', connectionCommandsMax, 1, 1_048_576);
  const { group } = replica.status();
  const listener = await options.listen.open({
    group,
    self: replica.id,
    limits: replica.limits,
    clock,
    random: systemRandom,
    logger,
  });
  return new Gateway(replica, listener, options, clock, logger);
}

class Gateway<C, R> implements ClientServer {
  readonly #connections = new Set<GatewayConnection>();
  readonly #listener: ClientListener;
  readonly #replica: Replica<C, R>;
  readonly #stop: () => void;
  #closing: Promise<void> | undefined;

  constructor(
    replica: Replica<C, R>,
    listener: ClientListener,
    options: ServeClientsOptions,
    clock: Clock,
    logger: Logger,
  ) {
    this.#replica = replica;
    this.#listener = listener;
    const { connectionCommandsMax: commandsMax = 16_384, stateMachine } = options;
    const query = stateMachine?.query?.bind(stateMachine);
    const leader = (): string => this.#leaderAddress();
    const soon = (run: () => void): void => clock.soon(run);
    listener.serve((connection: ClientConnection) => {
      const ended = (): void => void this.#connections.delete(taken);
      const parts = { replica, connection, query, leader, commandsMax, logger, soon, ended };
      const taken = new GatewayConnection(parts);
      this.#connections.add(taken);
      return taken;
    });
    const changed = (): void => this.#onLeader();
    replica.on('leading', changed);
    replica.on('following', changed);
    replica.on('configuration', changed);
    replica.on('stopped', () => void this.close());
    const stopTicks = clock.everyMs(statusIntervalMs, () => this.#onTick());
    this.#stop = () => {
      stopTicks();
      replica.off('leading', changed);
      replica.off('following', changed);
      replica.off('configuration', changed);
    };
  }

  get address(): string {
    return this.#listener.address;
  }

  get connections(): number {
    return this.#connections.size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop();
    for (const connection of this.#connections) connection.end();
    await this.#listener.close();
  }

  #leaderAddress(): string {
    const { leader, members } = this.#replica.status();
    return members.find(({ id }) => id === leader)?.addresses.client ?? '';
  }

  #onLeader(): void {
    const address = this.#leaderAddress();
    for (const connection of this.#connections) connection.onLeader(address);
  }

  #onTick(): void {
    const watching = [...this.#connections].filter(({ isWatching }) => isWatching);
    if (watching.length === 0) return;
    const bytes = Buffer.from(JSON.stringify(this.#replica.status()));
    for (const connection of watching) connection.onStatus(bytes);
  }
}

import { createServer, type Server, type Socket } from 'node:net';
import { ListenError, type Logger, type Replica } from '@rsl/core';
import { formatAddress, type HostPort } from '@rsl/transport-tcp';
import type { KeyValue } from '../key-value.ts';
import { refuseOpenNetwork } from '../open-network.ts';
import { Slab } from '../resp/slab.ts';
import type { SnapshotDesk } from '../snapshots/snapshot-desk.ts';
import { allCommands } from './all-commands.ts';
import type { ClientLimits } from './client-limits.ts';
import { Connection } from './connection.ts';
import type { ServerContext, ServerCounters } from './connection-command.ts';
import { sweepsPerStall } from './stall-detector.ts';

export interface ClientServerOptions {
  readonly listen: HostPort;
  /** Listen beyond loopback although commands are neither encrypted nor authenticated. */
  readonly allowPlaintext: boolean;
  readonly replica: Replica;
  readonly machine: KeyValue;
  readonly snapshots?: SnapshotDesk;
  readonly limits: ClientLimits;
  readonly logger: Logger;
}

/** Listens for Redis clients. */
export class ClientServer {
  readonly #server: Server;
  readonly #connections = new Map<Socket, Connection>();
  readonly #context: ServerContext;
  readonly #logger: Logger;
  readonly #slab = new Slab();
  readonly #sweeper: NodeJS.Timeout;
  #nextId = 1;

  /** RSL_LISTEN_FAILED if the address is not free, RSL_INVALID_OPTION if it is beyond loopback. */
  static async listen(options: ClientServerOptions): Promise<ClientServer> {
    if (!options.allowPlaintext) refuseOpenNetwork('--client', options.listen);
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new ListenError(formatAddress(options.listen), error));
      });
      server.listen(options.listen.port, options.listen.host, resolve);
    });
    return new ClientServer(server, options);
  }

  private constructor(server: Server, options: ClientServerOptions) {
    const { replica, machine, limits } = options;
    this.#server = server;
    this.#logger = options.logger;
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : options.listen.port;
    this.#context = {
      replica,
      machine,
      snapshots: options.snapshots,
      limits,
      commands: allCommands.all,
      startedAtMs: Date.now(),
      address: formatAddress({ host: options.listen.host, port }),
      counters: { connections: 0, accepted: 0, refused: 0, commands: 0, closed: 0, heldBytes: 0 },
      clients: { [Symbol.iterator]: () => this.#connections.values() },
    };
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (error) => {
      this.#logger.warn({ error: error.message }, 'a client could not be accepted');
    });
    this.#sweeper = setInterval(() => this.#sweep(), limits.stallMs / sweepsPerStall);
    this.#sweeper.unref();
  }

  /** Where clients connect, with the port that was taken. */
  get address(): string {
    return this.#context.address;
  }

  get counters(): Readonly<ServerCounters> {
    return this.#context.counters;
  }

  /** Takes no more clients, answers what was sent, and closes; after `withinMs` at the latest. */
  async close(withinMs: number): Promise<void> {
    clearInterval(this.#sweeper);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections.values()) connection.closeSoon();
    const cut = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, withinMs);
    await closed;
    clearTimeout(cut);
  }

  #accept(socket: Socket): void {
    const { counters, limits } = this.#context;
    // Without a listener the error of a connection that is reset would end the process.
    socket.on('error', (error) => {
      this.#logger.debug({ error: error.message }, 'a client connection failed');
    });
    if (this.#connections.size >= limits.connectionsMax) {
      counters.refused++;
      socket.end('-ERR max number of clients reached\r\n', () => socket.destroy());
      return;
    }
    counters.accepted++;
    counters.connections++;
    const connection = new Connection(this.#nextId++, socket, this.#slab, this.#context);
    this.#connections.set(socket, connection);
    socket.on('close', () => {
      this.#connections.delete(socket);
      counters.connections--;
      connection.closed();
    });
  }

  #sweep(): void {
    for (const connection of this.#connections.values()) connection.sweep();
  }
}

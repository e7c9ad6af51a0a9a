import { createServer, type Server, type Socket } from 'node:net';
import { FrameError, ListenError, type Limits } from '@rsl/core';
import { formatAddress, type HostPort } from './address.ts';
import { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { TcpEndpoint } from './endpoint.ts';
import type { Greeting } from './handshake.ts';
import { helloFault, refuse } from './introduction.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Takes connections in, waits for each one's hello, and hands it to the endpoint that it is for.
 * Strangers can hold at most `handshakesMax` connections, each for `handshakeTimeoutMs`.
 */
export class Listener implements ConnectionOwner<Connection> {
  readonly #server: Server;
  readonly #limits: Limits;
  readonly #around: Surroundings;
  readonly #endpointOf: (group: string) => TcpEndpoint | undefined;
  /** Connections without a hello, and until when they may have none. */
  readonly #silent = new Map<Connection, number>();
  #accepted = 0;

  constructor(
    limits: Limits,
    around: Surroundings,
    endpointOf: (group: string) => TcpEndpoint | undefined,
  ) {
    this.#limits = limits;
    this.#around = around;
    this.#endpointOf = endpointOf;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 },
      (socket) => this.#connected(socket),
    );
  }

  /** Resolves with the address once it listens. RSL_LISTEN_FAILED. */
  listen({ host, port }: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(new ListenError(formatAddress({ host, port }), error));
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => this.#couldNotAccept(error));
        const bound = this.#server.address();
        resolve({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
      });
    });
  }

  tick(): void {
    const { nowMs } = this.#around.time;
    for (const [connection, deadlineMs] of this.#silent) {
      if (nowMs < deadlineMs) continue;
      this.#silent.delete(connection);
      this.#around.counters.add('handshakesTimedOut');
      connection.close();
    }
  }

  /** Takes no more connections; those that were handed on are not its business. */
  close(): Promise<void> {
    for (const connection of this.#silent.keys()) connection.close();
    this.#silent.clear();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  greeted(connection: Connection, hello: Greeting): void {
    this.#silent.delete(connection);
    if (hello.kind !== 'hello') throw new FrameError('handshake: an answer to no question');
    const endpoint = this.#endpointOf(hello.group);
    const full = this.#accepted >= this.#around.settings.connectionsMax;
    const fault = full ? 'too-many-connections' : helloFault(hello, endpoint?.local);
    if (fault === undefined && endpoint !== undefined) {
      this.#accepted += 1;
      connection.whenGone(() => {
        this.#accepted -= 1;
      });
      endpoint.offered(connection, hello);
      return;
    }
    const { local } = endpoint ?? {};
    refuse(connection, hello, fault ?? 'no-such-group', {
      ...(local === undefined ? {} : { local }),
      limits: this.#limits,
      around: this.#around,
    });
  }

  frame(): void {
    throw new FrameError('handshake: a frame before it');
  }

  alive(): void {}

  room(): void {}

  closed(connection: Connection): void {
    this.#silent.delete(connection);
  }

  #connected(socket: Socket): void {
    const { settings, counters, time } = this.#around;
    counters.add('accepts');
    if (this.#silent.size >= settings.handshakesMax) {
      counters.add('refused.too-many-handshakes');
      socket.destroy();
      return;
    }
    const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket;
    const remote = formatAddress({ host, port });
    const connection = new Connection(socket, remote, this.#limits, this.#around, this);
    this.#silent.set(connection, time.nowMs + settings.handshakeTimeoutMs);
    // As plain bytes: `slice` of a Buffer does not copy, and a frame that is kept must be copied.
    socket.on('data', ({ buffer, byteOffset, length }: Buffer) =>
      connection.received(new Uint8Array(buffer, byteOffset, length)),
    );
  }

  #couldNotAccept(error: Error): void {
    this.#around.counters.add('acceptsFailed');
    this.#around.log.quietly('warn', 'accept', { error: error.message }, 'could not accept');
  }
}

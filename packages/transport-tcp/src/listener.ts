import { createServer, type Server, type Socket } from 'node:net';
import { FrameError, ListenError } from '@rsl/core';
import { formatAddress, type HostPort } from './address.ts';
import { Connection, type Speech } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { keepAliveInitialDelay } from './dial.ts';
import type { LivenessSettings } from './liveness.ts';
import type { ConnectionSurroundings } from './surroundings.ts';

/** Whoever is told of those that have said hello. */
export interface Greeter<Hello> extends Speech<Hello> {
  /** Why nobody is let in now; undefined if somebody is. `strangers` have not said hello. */
  whyFull(strangers: number): string | undefined;
  greeted(connection: Connection<Hello>, hello: Hello): void;
}

export interface ListenerSurroundings extends ConnectionSurroundings {
  readonly settings: LivenessSettings & { readonly handshakeTimeoutMs: number };
}

/** Takes connections in, waits for each one's hello, and hands it on. */
export class Listener<Hello> implements ConnectionOwner<Connection<Hello>, Hello> {
  readonly #server: Server;
  readonly #around: ListenerSurroundings;
  readonly #greeter: Greeter<Hello>;
  /** Connections without a hello, and until when they may have none. */
  readonly #silent = new Map<Connection<Hello>, number>();

  constructor(around: ListenerSurroundings, greeter: Greeter<Hello>) {
    this.#around = around;
    this.#greeter = greeter;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay },
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

  greeted(connection: Connection<Hello>, hello: Hello): void {
    this.#silent.delete(connection);
    this.#greeter.greeted(connection, hello);
  }

  frame(): void {
    throw new FrameError('handshake: a frame before it');
  }

  alive(): void {}

  closed(connection: Connection<Hello>): void {
    this.#silent.delete(connection);
  }

  #connected(socket: Socket): void {
    const { settings, counters, time } = this.#around;
    const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket;
    counters.add('accepts');
    const full = this.#greeter.whyFull(this.#silent.size);
    if (full !== undefined) {
      counters.add(`refused.${full}`);
      this.#around.log.quietly('warn', full, { remote: host }, `refused a connection: ${full}`);
      socket.destroy();
      return;
    }
    const remote = formatAddress({ host, port });
    const connection = new Connection<Hello>(socket, remote, this.#greeter, this.#around, this);
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

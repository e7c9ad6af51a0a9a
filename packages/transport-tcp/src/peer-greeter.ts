import { FrameError, type Limits } from '@rsl/core';
import type { Connection } from './connection.ts';
import type { TcpEndpoint } from './endpoint.ts';
import { type Greeting, GreetingReader } from './handshake.ts';
import { helloFault, refuse } from './introduction.ts';
import type { Greeter } from './listener.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Hands a connection that others dialed to the endpoint that its hello is for. Strangers can hold
 * at most `handshakesMax` connections, each for `handshakeTimeoutMs`.
 */
export class PeerGreeter implements Greeter<Greeting> {
  readonly limits: Limits;
  readonly #around: Surroundings;
  readonly #endpointOf: (group: string) => TcpEndpoint | undefined;
  #accepted = 0;

  constructor(
    limits: Limits,
    around: Surroundings,
    endpointOf: (group: string) => TcpEndpoint | undefined,
  ) {
    this.limits = limits;
    this.#around = around;
    this.#endpointOf = endpointOf;
  }

  newReader(): GreetingReader {
    return new GreetingReader();
  }

  whyFull(strangers: number): string | undefined {
    return strangers >= this.#around.settings.handshakesMax ? 'too-many-handshakes' : undefined;
  }

  greeted(connection: Connection, hello: Greeting): void {
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
      limits: this.limits,
      around: this.#around,
    });
  }
}

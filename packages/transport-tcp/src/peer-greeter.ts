import { FrameError, type Limits } from '@rsl/core';
import type { Connection } from './connection.ts';
import { type Greeting, GreetingReader } from './handshake.ts';
import { helloFault, refuse } from './introduction.ts';
import type { Greeter } from './listener.ts';
import type { Neighbours } from './neighbours.ts';

/**
 * Hands a connection that others dialed to the neighbours. Strangers can hold at most
 * `handshakesMax` connections, each for `handshakeTimeoutMs`.
 */
export class PeerGreeter implements Greeter<Greeting> {
  readonly limits: Limits;
  readonly #neighbours: Neighbours;
  #accepted = 0;

  constructor(neighbours: Neighbours) {
    this.limits = neighbours.linking.limits;
    this.#neighbours = neighbours;
  }

  newReader(): GreetingReader {
    return new GreetingReader();
  }

  whyFull(strangers: number): string | undefined {
    const { handshakesMax } = this.#neighbours.linking.around.settings;
    return strangers >= handshakesMax ? 'too-many-handshakes' : undefined;
  }

  greeted(connection: Connection, hello: Greeting): void {
    if (hello.kind !== 'hello') throw new FrameError('handshake: an answer to no question');
    const { linking } = this.#neighbours;
    const { settings, process } = linking.around;
    const full = this.#accepted >= settings.connectionsMax;
    const fault = full ? 'too-many-connections' : helloFault(hello, process());
    if (fault !== undefined) {
      refuse(connection, hello, fault, linking);
      return;
    }
    this.#accepted += 1;
    connection.whenGone(() => {
      this.#accepted -= 1;
    });
    this.#neighbours.offeredLane(connection, hello);
  }
}

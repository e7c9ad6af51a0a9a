import type {
  ClientConnection,
  ClientConnectionEvents,
  ClientListener,
  ClientTransportLimits,
  PortContext,
} from '@rsl/core';
import { InvalidOptionError } from '@rsl/core';
import { formatAddress } from './address.ts';
import { tickMs } from './awake-time.ts';
import { type ClientConnectionKeeper, TcpClientConnection } from './client-connection.ts';
import { type ClientHello, ClientHelloReader, encodeClientHello } from './client-handshake.ts';
import type { ListenerNumbers, ListenerSettings } from './client-options.ts';
import type { Connection } from './connection.ts';
import { type Greeter, Listener, type ListenerSurroundings } from './listener.ts';
import { surroundingsOf } from './surroundings.ts';

type Accept = (connection: ClientConnection) => ClientConnectionEvents;

/** Takes clients in over TCP. */
export class TcpClientListener
  implements ClientListener, Greeter<ClientHello>, ClientConnectionKeeper
{
  readonly around: ListenerSurroundings;
  readonly limits: ClientTransportLimits;
  readonly #connectionsMax: number;
  readonly #listener: Listener<ClientHello>;
  readonly #clients = new Set<TcpClientConnection>();
  readonly #stopTicking: () => void;
  #accept: Accept | undefined;
  #address = '';
  #closing: Promise<void> | undefined;

  private constructor(numbers: ListenerNumbers, { clock, logger }: PortContext) {
    this.limits = numbers;
    this.around = surroundingsOf(numbers, clock, logger);
    this.#connectionsMax = numbers.connectionsMax;
    this.#listener = new Listener(this.around, this);
    this.#stopTicking = clock.everyMs(tickMs, () => this.#tick());
  }

  /** RSL_LISTEN_FAILED if the address cannot be listened on; RSL_INVALID_OPTION. */
  static async open(settings: ListenerSettings, context: PortContext): Promise<TcpClientListener> {
    const listener = new TcpClientListener(settings.complete(context.limits), context);
    try {
      listener.#address = formatAddress(await listener.#listener.listen(settings.listen));
      return listener;
    } catch (error) {
      listener.#stopTicking();
      throw error;
    }
  }

  get address(): string {
    return this.#address;
  }

  serve(accept: Accept): void {
    if (this.#accept !== undefined) throw new InvalidOptionError('accept', 'serve was called');
    this.#accept = accept;
  }

  /** What happened since it was opened, by name; see the README. */
  counters(): Readonly<Record<string, number>> {
    return this.around.counters.read();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all([this.#listener.close(), this.around.sockets.none()]);
    this.#stopTicking();
  }

  // What the listener asks whoever greets.

  /** Reads what a new connection says first. */
  newReader(): ClientHelloReader {
    return new ClientHelloReader();
  }

  whyFull(): string | undefined {
    if (this.#accept === undefined || this.#closing !== undefined) return 'not-serving';
    const full = this.around.sockets.size >= this.#connectionsMax;
    return full ? 'too-many-connections' : undefined;
  }

  /** It has said who it is: it stands from now on, and `accept` hears of it. */
  greeted(connection: Connection<ClientHello>, hello: ClientHello): void {
    const client = new TcpClientConnection(connection.remote, this);
    this.#clients.add(client);
    connection.greet(encodeClientHello(this.limits));
    client.stands(connection, hello);
    const on = this.#accept?.(client);
    if (on !== undefined) client.tell(on);
  }

  // What a connection tells its keeper.

  answered(): void {}

  over(client: TcpClientConnection): void {
    this.#clients.delete(client);
  }

  #tick(): void {
    const { time, sockets } = this.around;
    time.tick();
    this.#listener.tick();
    for (const client of this.#clients) client.tick();
    sockets.tick(time.nowMs);
  }
}

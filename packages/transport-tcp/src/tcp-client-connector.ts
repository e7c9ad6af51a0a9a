import {
  type ClientConnection,
  type ClientConnectionEvents,
  type ClientConnector,
  type ClientTransportLimits,
  type Clock,
  InvalidOptionError,
  silentLogger,
} from '@rsl/core';
import { type HostPort, parseAddress } from './address.ts';
import { tickMs } from './awake-time.ts';
import { type ClientConnectionKeeper, TcpClientConnection } from './client-connection.ts';
import { ClientHelloReader, encodeClientHello } from './client-handshake.ts';
import { connectorSettingsOf, type TcpConnectorOptions } from './client-options.ts';
import { dial } from './dial.ts';
import { type ListenerSurroundings } from './listener.ts';
import { surroundingsOf } from './surroundings.ts';

const machineClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  everyMs(periodMs, tick) {
    const timer = setInterval(tick, periodMs);
    return () => clearInterval(timer);
  },
  soon: (run) => void setImmediate(run),
};

interface Dialed extends ClientConnectionEvents {
  open(): void;
}

/** Dials replicas over TCP. Holds a timer only while it has connections. */
export class TcpClientConnector implements ClientConnector, ClientConnectionKeeper {
  readonly around: ListenerSurroundings;
  readonly limits: ClientTransportLimits;
  readonly #clock: Clock;
  readonly #clients = new Set<TcpClientConnection>();
  /** Those that do not stand yet: who hears of it, and until when it may take. */
  readonly #dialing = new Map<TcpClientConnection, { on: Dialed; deadlineMs: number }>();
  #stopTicking: (() => void) | undefined;

  constructor(options: TcpConnectorOptions) {
    const settings = connectorSettingsOf(options);
    this.limits = settings;
    this.#clock = options.clock ?? machineClock;
    this.around = surroundingsOf(settings, this.#clock, options.logger ?? silentLogger);
  }

  connect(address: string, on: Dialed): ClientConnection {
    const client = new TcpClientConnection(address, this);
    client.tell(on);
    this.#clients.add(client);
    const target = parseAddress(address);
    if (target === undefined || target.port === 0) this.#refuse(client, address);
    else this.#dial(client, target, on);
    return client;
  }

  /** What happened since it was made, by name; see the README. */
  counters(): Readonly<Record<string, number>> {
    return this.around.counters.read();
  }

  #refuse(client: TcpClientConnection, address: string): void {
    const what = `must be host:port or [IPv6]:port with a port of 1 … 65535, not '${address}'`;
    this.#clock.soon(() => client.fail(new InvalidOptionError('address', what)));
  }

  #dial(client: TcpClientConnection, target: HostPort, on: Dialed): void {
    const { around, limits } = this;
    const { time, counters, settings } = around;
    this.#stopTicking ??= this.#clock.everyMs(tickMs, () => this.#tick());
    this.#dialing.set(client, { on, deadlineMs: time.nowMs + settings.handshakeTimeoutMs });
    counters.add('dials');
    const speech = { limits, newReader: () => new ClientHelloReader() };
    const wire = dial(target, speech, around, client, (connected) => {
      connected.greet(encodeClientHello(limits));
    });
    client.dials(wire);
  }

  // What a connection tells its keeper.

  answered(client: TcpClientConnection): void {
    const dialing = this.#dialing.get(client);
    this.#dialing.delete(client);
    dialing?.on.open();
  }

  over(client: TcpClientConnection): void {
    this.#clients.delete(client);
    this.#dialing.delete(client);
  }

  #tick(): void {
    const { time, sockets, counters, settings } = this.around;
    time.tick();
    for (const [client, { deadlineMs }] of this.#dialing) {
      if (time.nowMs < deadlineMs) continue;
      counters.add('handshakesTimedOut');
      const { handshakeTimeoutMs } = settings;
      client.fail(new Error(`${client.remote}: no connection within ${handshakeTimeoutMs} ms`));
    }
    for (const client of this.#clients) client.tick();
    sockets.tick(time.nowMs);
    if (sockets.size > 0) return;
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }
}

import { InvalidOptionError, ListenError } from '../errors.ts';
import { defaultLimits } from '../limits.ts';
import type {
  ClientConnection,
  ClientConnectionEvents,
  ClientConnector,
  ClientListener,
  ClientTransportLimits,
} from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';
import type { Port } from '../ports/port.ts';
import { type ClientWay, MemoryClientConnection } from './memory-client-connection.ts';

/** Time on the way of frames; none unless given. */
export interface MemoryClientNetworkOptions {
  /** Runs something in the network after a while; the sender's clock unless given. */
  readonly later?: (delayMs: number, run: () => void) => void;
  /**
   * How long a frame is under way, in milliseconds; 0 unless given. A frame that is faster than one
   * before it waits for that one: the order of a connection stays. What opens and ends a connection
   * is under way like a frame of no bytes.
   */
  readonly delayMs?: (way: ClientWay, frame: Uint8Array) => number;
}

type Accept = (connection: ClientConnection) => ClientConnectionEvents;

/**
 * The in-memory twin of the connections between clients and replicas: listeners and connectors of
 * one process that find each other by any string as address. It has neither time nor chance of its
 * own. For tests, examples and the simulator.
 */
export class MemoryClientNetwork {
  readonly #options: MemoryClientNetworkOptions;
  readonly #listeners = new Map<string, MemoryClientListener>();

  constructor(options: MemoryClientNetworkOptions = {}) {
    this.#options = options;
  }

  /** Where clients reach a replica. Opening rejects with RSL_LISTEN_FAILED if another has it. */
  listener(address: string): Port<ClientListener> {
    return {
      open: async ({ clock, limits }) => {
        if (this.#listeners.has(address)) {
          throw new ListenError(address, new Error('another listener has this address'));
        }
        const listener = new MemoryClientListener(this, address, clock, limits);
        this.#listeners.set(address, listener);
        return listener;
      },
    };
  }

  /** A client's way to every listener of the network. */
  connector(clock?: Clock, limits: ClientTransportLimits = defaultLimits): ClientConnector {
    return { connect: (address, on) => this.#connect(address, on, { clock, limits }) };
  }

  /**
   * Every connection of the listener breaks now, with what is on its way in either direction. The
   * listener stays, and takes new ones in.
   */
  break(address: string): void {
    this.#listeners.get(address)?.break(new Error(`${address}: the connection broke`));
  }

  /** Connections that a listener has now. */
  connectionsOf(address: string): number {
    return this.#listeners.get(address)?.connections.size ?? 0;
  }

  /** Runs it when something of that way arrives that is sent now. */
  carry(way: ClientWay, frame: Uint8Array, clock: Clock | undefined, run: () => void): void {
    const { later, delayMs } = this.#options;
    if (later !== undefined) later(delayMs?.(way, frame) ?? 0, run);
    else this.soon(clock, run);
  }

  /** Runs it once this turn is over. */
  soon(clock: Clock | undefined, run: () => void): void {
    const { later } = this.#options;
    if (later !== undefined) later(0, run);
    else if (clock !== undefined) clock.soon(run);
    else setImmediate(run);
  }

  /** Its address is free again. */
  forget(listener: MemoryClientListener): void {
    if (this.#listeners.get(listener.address) === listener) {
      this.#listeners.delete(listener.address);
    }
  }

  #connect(
    address: string,
    on: ClientConnectionEvents & { open(): void },
    from: { readonly clock: Clock | undefined; readonly limits: ClientTransportLimits },
  ): ClientConnection {
    const client = new MemoryClientConnection(this, { address, toward: 'replica' }, from);
    client.tell(on);
    client.carry(() => {
      const listener = this.#listeners.get(address);
      if (listener?.isServing === true) listener.takeIn(client, () => on.open());
      else client.fail(new Error(`${address}: no listener takes connections in`));
    });
    return client;
  }
}

class MemoryClientListener implements ClientListener {
  readonly address: string;
  readonly connections = new Set<MemoryClientConnection>();
  readonly #network: MemoryClientNetwork;
  readonly #side: { readonly clock: Clock; readonly limits: ClientTransportLimits };
  #accept: Accept | undefined;
  #accepted = 0;

  constructor(
    network: MemoryClientNetwork,
    address: string,
    clock: Clock,
    limits: ClientTransportLimits,
  ) {
    this.#network = network;
    this.address = address;
    this.#side = { clock, limits };
  }

  get isServing(): boolean {
    return this.#accept !== undefined;
  }

  serve(accept: Accept): void {
    if (this.#accept !== undefined) throw new InvalidOptionError('accept', 'serve was called');
    this.#accept = accept;
  }

  /** A client has come; `open` tells it that it is in. */
  takeIn(client: MemoryClientConnection, open: () => void): void {
    const accept = this.#accept;
    if (accept === undefined || client.isOver) return;
    this.#accepted += 1;
    const { address } = this;
    const ours = new MemoryClientConnection(
      this.#network,
      { address, toward: 'client' },
      this.#side,
    );
    ours.remote = `client ${this.#accepted} of ${address}`;
    ours.whenOver = () => this.connections.delete(ours);
    this.connections.add(ours);
    ours.join(client, open);
    ours.tell(accept(ours));
  }

  break(error: Error): void {
    for (const connection of this.connections) connection.break(error);
  }

  async close(): Promise<void> {
    this.#accept = undefined;
    this.#network.forget(this);
    for (const connection of this.connections) connection.close();
  }
}

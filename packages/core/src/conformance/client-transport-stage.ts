import type {
  ClientConnection,
  ClientConnector,
  ClientListener,
  ClientTransportLimits,
} from '../ports/client-transport.ts';
import type { ConformanceCase } from './case.ts';
import { bytesOf, textOf, until } from './transport-stage.ts';

/** Connections between clients and replicas, for one case. */
export interface OpenedClientNetwork {
  /** One more listener; at an address of its own, or at one that is given. */
  listen(address?: string): Promise<ClientListener>;
  readonly connector: ClientConnector;
}

/** What one case runs on. `limits` are those that it needs to differ from the defaults. */
export type OpenClientNetwork = (limits: Partial<ClientTransportLimits>) => OpenedClientNetwork;

/** One side of a connection, and all that it was told. */
export class Party {
  readonly told: string[] = [];
  readonly frames: Uint8Array[] = [];
  drains = 0;
  error: Error | undefined;
  whenTold: (what: string) => void = () => {};
  #connection: ClientConnection | undefined;

  get connection(): ClientConnection {
    if (this.#connection === undefined) throw new Error('there is no connection yet');
    return this.#connection;
  }

  set connection(connection: ClientConnection) {
    this.#connection = connection;
  }

  readonly on = {
    open: () => this.#tell('open'),
    // `slice` copies plain bytes; that of a Buffer does not, and a transport must not give one.
    frame: (frame: Uint8Array) => {
      this.frames.push(frame.slice());
      this.#tell('frame');
    },
    drain: () => {
      this.drains += 1;
      this.#tell('drain');
    },
    closed: (error: Error | undefined) => {
      this.error = error;
      this.#tell('closed');
    },
  };

  get isClosed(): boolean {
    return this.told.includes('closed');
  }

  get texts(): string[] {
    return this.frames.map(textOf);
  }

  send(text: string): boolean {
    return this.connection.send([bytesOf(text)]);
  }

  /** All that it was told except frames and drains. */
  get turns(): string[] {
    return this.told.filter((what) => what === 'open' || what === 'closed');
  }

  #tell(what: string): void {
    this.told.push(what);
    this.whenTold(what);
  }
}

/** A replica that takes clients in. */
export interface Served {
  readonly listener: ClientListener;
  readonly parties: Party[];
}

/** What one case stands on; it is cleared away when the case ends. */
export class ClientStage {
  readonly network: OpenedClientNetwork;
  readonly #listeners: ClientListener[] = [];
  readonly #dialed: Party[] = [];

  constructor(network: OpenedClientNetwork) {
    this.network = network;
  }

  async listener(address?: string): Promise<ClientListener> {
    const listener = await this.network.listen(address);
    this.#listeners.push(listener);
    return listener;
  }

  /** A listener that takes connections in; `greet` is told of each while it is taken in. */
  async served(greet: (party: Party) => void = () => {}): Promise<Served> {
    const listener = await this.listener();
    const parties: Party[] = [];
    listener.serve((connection) => {
      const party = new Party();
      party.connection = connection;
      parties.push(party);
      greet(party);
      return party.on;
    });
    return { listener, parties };
  }

  dial(address: string, client = new Party()): Party {
    this.#dialed.push(client);
    client.connection = this.network.connector.connect(address, client.on);
    return client;
  }

  /** A client that has connected, and its other side. */
  async connected(served: Served): Promise<readonly [Party, Party]> {
    const before = served.parties.length;
    const client = this.dial(served.listener.address);
    await until(() => client.turns.includes('open'), 'the client hears that it is connected');
    const replica = served.parties[before];
    if (replica === undefined) throw new Error('a client was told of a connection that is none');
    return [client, replica];
  }

  async pair(greet?: (party: Party) => void): Promise<readonly [Party, Party]> {
    return this.connected(await this.served(greet));
  }

  /** Enough turns for anything that was going to happen: two others exchange frames meanwhile. */
  async meanwhile(times = 50): Promise<void> {
    const [one, two] = await this.pair();
    for (let i = 1; i <= times; i++) {
      one.send('there');
      await until(() => two.frames.length === i, 'a frame goes there');
      two.send('back');
      await until(() => one.frames.length === i, 'a frame comes back');
    }
    one.connection.close();
    await until(() => two.isClosed, 'the end is heard');
  }

  async clear(): Promise<void> {
    for (const { connection } of this.#dialed) connection.close();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}

/** Queues frames until one is refused; gives how many were taken. */
export function filled(from: Party, frame: Uint8Array, framesMax = 100_000): number {
  for (let sent = 0; sent < framesMax; sent++) {
    if (!from.connection.send([frame])) return sent;
  }
  throw new Error(`${framesMax} frames were queued and none was refused`);
}

export function clientScene(
  name: string,
  play: (stage: ClientStage) => Promise<void>,
  limits: Partial<ClientTransportLimits> = {},
): ConformanceCase<OpenClientNetwork> {
  return {
    name,
    async run(open) {
      const stage = new ClientStage(open(limits));
      try {
        await play(stage);
      } finally {
        await stage.clear();
      }
    },
  };
}

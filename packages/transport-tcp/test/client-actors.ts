import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import type { ClientConnection, Clock } from '@rsl/core';
import { clientHelloBytes, encodeClientHello } from '../src/client-handshake.ts';
import { envelopeBytes, envelopeTypes, writeEnvelope } from '../src/framing.ts';
import {
  type TcpClientConnector,
  type TcpClientListener,
  type TcpConnectorOptions,
  type TcpListenerOptions,
  tcpConnector,
  tcpListener,
} from '../src/index.ts';
import { Stranger, until } from './actors.ts';
import { context, type LogLine, realClock, recordingLogger } from './context.ts';

/** One side of a connection, and all that it was told. */
export class Party {
  readonly told: string[] = [];
  error: Error | undefined;
  frame: (text: string) => void = () => {};
  #connection: ClientConnection | undefined;

  get connection(): ClientConnection {
    assert.ok(this.#connection !== undefined, 'there is a connection');
    return this.#connection;
  }

  set connection(connection: ClientConnection) {
    this.#connection = connection;
  }

  readonly on = {
    open: () => void this.told.push('open'),
    frame: (frame: Uint8Array) => {
      const text = Buffer.from(frame).toString();
      this.told.push(text);
      this.frame(text);
    },
    drain: (): void => void this.told.push('drain'),
    closed: (error: Error | undefined) => {
      this.error = error;
      this.told.push('closed');
    },
  };

  send(text: string): boolean {
    return this.connection.send([Buffer.from(text)]);
  }

  get isClosed(): boolean {
    return this.told.includes('closed');
  }
}

/** Time passes when it is told to; turns are real. Knows who still ticks. */
export class HandClock implements Clock {
  readonly ticking = new Set<() => void>();
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  everyMs(_: number, tick: () => void): () => void {
    const run = (): void => tick();
    this.ticking.add(run);
    return () => this.ticking.delete(run);
  }

  soon(run: () => void): void {
    realClock.soon(run);
  }

  /** One tick of everybody. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const tick of this.ticking) tick();
  }
}

const opened: TcpClientListener[] = [];
const dialed: Party[] = [];

export class Service {
  readonly listener: TcpClientListener;
  readonly lines: LogLine[];
  readonly parties: Party[] = [];

  constructor(listener: TcpClientListener, lines: LogLine[]) {
    this.listener = listener;
    this.lines = lines;
    listener.serve((connection) => {
      const party = new Party();
      party.connection = connection;
      this.parties.push(party);
      return party.on;
    });
  }

  get address(): string {
    return this.listener.address;
  }

  count(name: string): number {
    return this.listener.counters()[name] ?? 0;
  }
}

export async function service(
  options: TcpListenerOptions & { readonly clock?: Clock; readonly address?: string } = {},
): Promise<Service> {
  const { clock = realClock, address = '127.0.0.1:0', ...rest } = options;
  const lines: LogLine[] = [];
  const listener = await tcpListener(address, rest).open(context({ clock, lines }));
  opened.push(listener);
  return new Service(listener, lines);
}

export interface Dialer {
  readonly connector: TcpClientConnector;
  readonly lines: LogLine[];
  dial(address: string): Party;
}

export function dialer(options: TcpConnectorOptions = {}): Dialer {
  const lines: LogLine[] = [];
  const connector = tcpConnector({ logger: recordingLogger(lines), ...options });
  const dial = (address: string): Party => {
    const party = new Party();
    party.connection = connector.connect(address, party.on);
    dialed.push(party);
    return party;
  };
  return { connector, lines, dial };
}

/** A client of a service, and its other side. */
export async function met(
  from: Dialer,
  to: Service,
  address = to.address,
): Promise<[Party, Party]> {
  const before = to.parties.length;
  const client = from.dial(address);
  await until(() => client.told.includes('open'), 'it is connected');
  const replica = to.parties[before];
  assert.ok(replica !== undefined);
  return [client, replica];
}

export async function clearClients(): Promise<void> {
  for (const { connection } of dialed.splice(0)) connection.close();
  await Promise.all(opened.splice(0).map((listener) => listener.close()));
}

export const helloOfStranger = encodeClientHello({ frameBytesMax: 1 << 20 });

export function frameOf(text: string): Buffer {
  const bytes = Buffer.alloc(envelopeBytes + text.length);
  writeEnvelope(bytes, 0, envelopeTypes.frame, 0, text.length);
  bytes.write(text, envelopeBytes);
  return bytes;
}

/** Whoever greets like a client, and need not be one. */
export async function greetingStranger(address: string): Promise<Stranger> {
  const stranger = new Stranger(address);
  stranger.socket.write(helloOfStranger);
  await until(() => stranger.received.length >= clientHelloBytes, 'an answer to the hello');
  return stranger;
}

/** Whoever listens where a client dials, and need not be a replica. */
export class StrangeServer {
  readonly server: Server;
  readonly sockets: Socket[] = [];
  readonly chunks: Buffer[] = [];

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => this.chunks.push(bytes));
    });
  }

  static async open(): Promise<StrangeServer> {
    const strange = new StrangeServer(createServer());
    await new Promise<void>((resolve) => strange.server.listen(0, '127.0.0.1', resolve));
    return strange;
  }

  get address(): string {
    const bound = this.server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    return `127.0.0.1:${bound.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

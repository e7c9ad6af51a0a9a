import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Limits } from '@rsl/core';
import type { Endpoint, LocalIdentity, PeerIdentity } from '@rsl/core/protocol';
import { vi } from 'vitest';
import { envelopeBytes, envelopeTypes, writeEnvelope } from '../src/framing.ts';
import { decodeGreeting, encodeGreeting, type Greeting } from '../src/handshake.ts';
import { type TcpOptions, type TcpTransport, tcp } from '../src/index.ts';
import { encodeJoin, encodeJoined } from '../src/joining.ts';
import { context, type LogLine } from './context.ts';

// What a test waits for has its own deadline, which says what did not come.
vi.setConfig({ testTimeout: 30_000 });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Looks at every turn; the deadline is met only by a fault. */
export async function until(holds: () => boolean, what: string, deadlineMs = 20_000) {
  const giveUpMs = performance.now() + deadlineMs;
  while (!holds()) {
    assert.ok(performance.now() < giveUpMs, `not within ${deadlineMs} ms: ${what}`);
    await turn();
  }
}

/** A process of a group, as seen from a test. Frames are kept as copies. */
export class Actor {
  readonly local: LocalIdentity;
  readonly transport: TcpTransport;
  readonly endpoint: Endpoint;
  readonly lines: LogLine[];
  readonly frames: Uint8Array[] = [];
  readonly changes: string[] = [];
  readonly up = new Map<number, PeerIdentity>();
  drains = 0;
  whenUp: (id: number) => void = () => {};
  frame: (from: PeerIdentity, frame: Uint8Array) => void = (_, frame) => {
    this.frames.push(frame.slice());
  };

  constructor(transport: TcpTransport, local: LocalIdentity, lines: LogLine[]) {
    this.transport = transport;
    this.local = local;
    this.lines = lines;
    this.endpoint = transport.open(local, {
      frame: (from, frame) => this.frame(from, frame),
      peer: (peer, up) => {
        this.changes.push(`${up ? 'up' : 'down'} ${peer.id}`);
        if (up) this.up.set(peer.id, peer);
        else this.up.delete(peer.id);
        if (up) this.whenUp(peer.id);
      },
      drain: () => {
        this.drains += 1;
      },
    });
  }

  get address(): string {
    return this.transport.address;
  }

  knows(...others: readonly { id: number; address: string }[]): void {
    this.endpoint.peers(others.map(({ id, address }) => ({ id, addresses: { tcp: address } })));
  }

  get id(): number {
    return this.local.id;
  }

  send(to: number, text: string): boolean {
    return this.endpoint.send(to, 'votes', [Buffer.from(text)]);
  }

  get texts(): string[] {
    return this.frames.map((frame) => Buffer.from(frame).toString());
  }

  count(name: string): number {
    return this.transport.counters()[name] ?? 0;
  }
}

const opened: { close(): Promise<void> }[] = [];
let instances = 0;

export interface ActorOptions extends Partial<Omit<TcpOptions, 'listen'>> {
  readonly listen?: string;
  readonly group?: string;
  readonly store?: string;
  readonly instance?: number;
  readonly limits?: Partial<Limits>;
  readonly seed?: number;
}

export const storeOf = (id: number): string => id.toString(16).padStart(16, '0');

export async function actor(id: number, given: ActorOptions = {}): Promise<Actor> {
  const { listen = '127.0.0.1:0', group = 'stage', store, instance, limits, seed, ...rest } = given;
  const lines: LogLine[] = [];
  const port = tcp({ listen, ...rest });
  const transport = await port.open(
    context({ lines, seed: seed ?? id, ...(limits === undefined ? {} : { limits }) }),
  );
  opened.push(transport);
  instances += 1;
  const local = { group, id, store: store ?? storeOf(id), instance: instance ?? instances };
  return new Actor(transport, local, lines);
}

export async function connected(one: Actor, two: Actor): Promise<void> {
  await until(() => one.up.has(two.id) && two.up.has(one.id), `${one.id} and ${two.id} are up`);
}

/** A replica on a transport that has others too. */
export function sharing(given: Actor, id: number, group: string): Actor {
  instances += 1;
  const local = { group, id, store: storeOf(id), instance: instances };
  return new Actor(given.transport, local, given.lines);
}

/** Everything that the test opened. */
export async function clear(): Promise<void> {
  await Promise.all(opened.splice(0).map((thing) => thing.close()));
}

/** Whoever speaks TCP to our port, and need not be one of us. */
export class Stranger {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  closed = false;

  constructor(address: string) {
    this.socket = connect({ host: '127.0.0.1', port: Number(address.split(':').at(-1)) });
    this.socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    opened.push({ close: async () => void this.socket.destroy() });
  }

  /** A hello of a process that nobody knows, unless told otherwise. */
  greet(changes: Partial<Greeting> = {}): void {
    this.socket.write(encodeGreeting({ ...strangeHello, ...changes }));
  }

  async welcomed(): Promise<void> {
    await until(() => this.received.length >= greetingBytes, 'an answer to the hello');
    assert.equal(this.received[4], 2, 'it is a welcome');
  }

  /** Replica 9 joins replica 1 of the stage, unless told otherwise. */
  join(changes: Partial<LocalIdentity> & { asked?: number; number?: number } = {}): void {
    const { asked = 1, number = 1, ...identity } = changes;
    const local = { group: 'stage', id: 9, store: storeOf(9), instance: 99, ...identity };
    this.socket.write(envelopeOf('join', number, encodeJoin(local, asked)));
  }

  /** What was said since the greeting, but for pings and pongs: its type, channel and bytes. */
  get told(): { readonly type: number; readonly channel: number; readonly body: Buffer }[] {
    const told = [];
    for (let at = greetingBytes; at + envelopeBytes <= this.received.length; ) {
      const end = at + envelopeBytes + this.received.readUInt32LE(at);
      const type = this.received.readUInt8(at + 4);
      const channel = this.received.readUIntLE(at + 5, 3);
      if (end > this.received.length) break;
      const body = this.received.subarray(at + envelopeBytes, end);
      const { ping, pong } = envelopeTypes;
      if (type !== ping && type !== pong) told.push({ type, channel, body });
      at = end;
    }
    return told;
  }

  /** What was said of one channel. */
  async heard(type: keyof typeof envelopeTypes, channel: number): Promise<Buffer> {
    const { joined, refused } = envelopeTypes;
    const wanted: number = envelopeTypes[type];
    const answers: readonly number[] = [joined, refused];
    const likes = answers.includes(wanted) ? answers : [wanted];
    const find = () =>
      this.told.find((each) => likes.includes(each.type) && each.channel === channel);
    await until(() => find() !== undefined, `'${type}' of channel ${channel}`, 5_000);
    // The wrong answer is told at once, not waited for.
    assert.equal(find()?.type, wanted, `'${type}' of channel ${channel}`);
    return find()?.body ?? Buffer.alloc(0);
  }

  /** The reason code of the refusal that came. */
  async refused(): Promise<number> {
    await until(() => this.received.length >= greetingBytes, 'an answer to the hello');
    assert.equal(this.received[4], 3, 'it is a refusal');
    await until(() => this.closed, 'the end of the connection');
    return this.received.readUInt16LE(24);
  }
}

const greetingBytes = 44;

export function envelopeOf(
  type: keyof typeof envelopeTypes,
  channel: number,
  body: Uint8Array = new Uint8Array(0),
): Buffer {
  const bytes = Buffer.alloc(envelopeBytes + body.length);
  writeEnvelope(bytes, 0, envelopeTypes[type], channel, body.length);
  bytes.set(body, envelopeBytes);
  return bytes;
}

/**
 * A process that listens and welcomes every lane; `joined` says who answers a join, and undefined
 * that nobody does.
 */
export async function strangeProcess(
  joined: (number: number) => LocalIdentity | undefined,
  process = storeOf(9),
): Promise<{ readonly address: string }> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (!greeted && received.length >= greetingBytes) {
        greeted = true;
        const { lane, link } = decodeGreeting(received.subarray(0, greetingBytes));
        const welcome = { ...strangeHello, kind: 'welcome', lane, link, process } as const;
        socket.write(encodeGreeting(welcome));
        received = received.subarray(greetingBytes);
      }
      while (greeted && received.length >= envelopeBytes) {
        const end = envelopeBytes + received.readUInt32LE(0);
        if (received.length < end) return;
        const number = received.readUIntLE(5, 3);
        const who = received[4] === envelopeTypes.join ? joined(number) : undefined;
        if (who !== undefined) {
          const asker = received.readUInt16LE(envelopeBytes);
          socket.write(envelopeOf('joined', number, encodeJoined(who, asker)));
        }
        received = received.subarray(end);
      }
    });
    opened.push({ close: async () => void socket.destroy() });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({ close: async () => void server.close() });
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  return { address: `127.0.0.1:${bound.port}` };
}

/** Both lanes of a process that knows how to greet. */
export async function strangeLink(
  address: string,
  changes: Partial<Greeting> = {},
): Promise<{ readonly votes: Stranger; readonly bulk: Stranger }> {
  const [votes, bulk] = [new Stranger(address), new Stranger(address)];
  votes.greet(changes);
  await votes.welcomed();
  bulk.greet({ lane: 'bulk', ...changes });
  await bulk.welcomed();
  return { votes, bulk };
}

/** The same, and replica 9 is up on channel 1. */
export async function intruder(
  one: Actor,
  changes: Partial<Greeting> = {},
): Promise<{ readonly votes: Stranger; readonly bulk: Stranger }> {
  const link = await strangeLink(one.address, changes);
  link.votes.join();
  await link.votes.heard('joined', 1);
  link.votes.socket.write(envelopeOf('opened', 1));
  await until(() => one.up.has(9), 'replica 9 is up');
  return link;
}

export const strangeHello: Greeting = {
  kind: 'hello',
  versionMin: 1,
  versionMax: 1,
  lane: 'votes',
  flags: 0,
  frameBytesMax: 1 << 20,
  link: 1,
  reason: 0,
  process: storeOf(9),
};

/** A wire between two processes that can go dead without anybody being told. */
export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #turns: () => number;
  #dead = false;

  private constructor(server: Server, turns: () => number) {
    this.#server = server;
    this.#turns = turns;
  }

  /** `turns` says for each piece of bytes how long it is under way. */
  static async to(target: string, turns: () => number = () => 0): Promise<Wire> {
    const port = Number(target.split(':').at(-1));
    const server = createServer({ pauseOnConnect: true });
    const wire = new Wire(server, turns);
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port });
      wire.#join(near, far);
      wire.#join(far, near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(wire);
    return wire;
  }

  get address(): string {
    const bound = this.#server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    return `127.0.0.1:${bound.port}`;
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // In order, whatever each piece takes.
    let last: Promise<void> = Promise.resolve();
    const later = (act: () => void): void => {
      const turns = this.#turns();
      last = last.then(async () => {
        for (let i = 0; i < turns; i++) await turn();
        act();
      });
    };
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!this.#dead) later(() => void to.destroy());
    });
    from.on('data', (bytes) => {
      if (this.#dead) return;
      later(() => {
        if (to.write(bytes) || from.isPaused()) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
    });
    if (this.#dead) from.pause();
    else from.resume();
  }

  /** Both ends are told. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing passes any more, and nobody is told. */
  goDead(): void {
    this.#dead = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections pass again; those that were cut stay cut. */
  mend(): void {
    this.#dead = false;
    for (const socket of this.#sockets) socket.removeAllListeners('data');
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { type Endpoint, readReply } from '../lib/resp-connection.ts';
import type { Group } from './group.ts';
import {
  executed,
  isRead,
  type RedisInput,
  type RedisOutput,
  type RedisState,
} from './redis-model.ts';

/** What a fake does wrong, now and then. */
export type Misdeed =
  | 'does nothing wrong'
  | 'loses a write that it acknowledged'
  | 'serves a stale read'
  | 'executes twice'
  | 'executes what it denied'
  | 'has another state on one replica'
  | 'has another snapshot on one replica'
  | 'raises an alarm'
  | 'falls silent when it is healed'
  | 'serves a stale read and falls silent'
  | 'sends what is no reply'
  | 'gives an error that clients may not get';

const everyCommands = 60;

/** One state behind three ports, without replication: torture has to see what it does wrong. */
export class FakeGroup implements Group {
  readonly unexpectedEnds: readonly string[] = [];
  endpoints: readonly Endpoint[] = [];
  readonly sessionAddresses: readonly string[] = [];
  readonly #misdeed: Misdeed;
  readonly #state = new Map<string, RedisState>();
  /** What each key was before its last write. */
  readonly #before = new Map<string, RedisState>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #commands = 0;
  #isSilent = false;

  static async listening(misdeed: Misdeed, replicas = 3): Promise<FakeGroup> {
    const group = new FakeGroup(misdeed);
    for (let i = 0; i < replicas; i += 1) {
      const server = createServer((socket) => group.#serve(socket, i)).listen(0, '127.0.0.1');
      group.#servers.push(server);
      await once(server, 'listening');
    }
    group.endpoints = group.#servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return { host: '127.0.0.1', port: address.port };
    });
    return group;
  }

  private constructor(misdeed: Misdeed) {
    this.#misdeed = misdeed;
  }

  start(): void {}

  heal(): Promise<void> {
    this.#isSilent = this.#misdeed.includes('falls silent');
    return Promise.resolve();
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, replica: number): void {
    this.#sockets.add(socket);
    let held = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (let read = readReply(held, 0); read !== undefined; read = readReply(held, 0)) {
        held = held.subarray(read.end);
        if (!this.#isSilent) socket.write(this.#reply(read.reply as string[], replica));
      }
    });
  }

  #reply([command = '', key = '', value]: readonly string[], replica: number): string {
    if (command === 'RSL.STATUS') return this.#status();
    if (command === 'RSL.SNAPSHOT') return this.#snapshot(replica);
    const input = { command, key, ...(value === undefined ? {} : { value }) } as RedisInput;
    const state = this.#state.get(key) ?? null;
    const isOdd = ++this.#commands % everyCommands === 0;
    if (isRead(input)) return encode(this.#read(input, state, { isOdd, replica }));
    const first = executed(state, input);
    if (isOdd && this.#misdeed === 'loses a write that it acknowledged')
      return encode(first.output);
    this.#before.set(key, state);
    const isTwice = isOdd && this.#misdeed === 'executes twice';
    this.#state.set(key, isTwice ? executed(first.state, input).state : first.state);
    if (isOdd && this.#misdeed === 'executes what it denied') return '-RSL_NOT_LEADER nobody\r\n';
    if (isOdd && this.#misdeed === 'gives an error that clients may not get') return '-ERR no\r\n';
    if (isOdd && this.#misdeed === 'sends what is no reply') return 'what?\r\n';
    return encode(first.output);
  }

  #read(
    input: RedisInput,
    state: RedisState,
    at: { isOdd: boolean; replica: number },
  ): RedisOutput {
    const isStale = at.isOdd && this.#misdeed.startsWith('serves a stale read');
    if (isStale) return executed(this.#before.get(input.key) ?? null, input).output;
    const isOther = at.replica === 2 && this.#misdeed === 'has another state on one replica';
    if (isOther && input.key.endsWith('7')) return executed(null, input).output;
    return executed(state, input).output;
  }

  #snapshot(replica: number): string {
    const isOther = replica === 2 && this.#misdeed === 'has another snapshot on one replica';
    return encode(JSON.stringify({ meta: { slot: 1, digest: isOther ? 'b' : 'a' } }));
  }

  #status(): string {
    const alarms = this.#misdeed === 'raises an alarm' ? 1 : 0;
    return encode(
      JSON.stringify({ self: 1, pendingCommands: 0, executedThrough: 1, counters: { alarms } }),
    );
  }
}

function encode(output: RedisOutput): string {
  if (output === null) return '$-1\r\n';
  if (typeof output === 'number') return `:${output}\r\n`;
  if (typeof output === 'string') return `$${Buffer.byteLength(output)}\r\n${output}\r\n`;
  return `*${output.length}\r\n${output.map(encode).join('')}`;
}

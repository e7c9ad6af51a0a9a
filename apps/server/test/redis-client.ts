import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { RespReader, type RespValue } from './resp-reader.ts';

/** RESP as a client sends it; texts are latin1. */
export function encode(...words: readonly (string | number)[]): Buffer {
  const parts = words.map((word) => {
    const text = String(word);
    return `$${text.length}\r\n${text}\r\n`;
  });
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`, 'latin1');
}

/** A client that does no more than it is told: sends bytes, gives the replies in order. */
export class RedisClient {
  readonly socket: Socket;
  readonly #reader = new RespReader();
  readonly #waiting: ((value: RespValue | undefined) => void)[] = [];
  #isClosed = false;

  static async connect(port: number, host = '127.0.0.1'): Promise<RedisClient> {
    const socket = connect({ port, host });
    await once(socket, 'connect');
    return new RedisClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#reader.push(bytes);
      this.#deliver();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#deliver();
    });
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next reply; undefined if the connection was closed before it came. */
  reply(): Promise<RespValue | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#deliver();
    });
  }

  async replies(count: number): Promise<(RespValue | undefined)[]> {
    return await Promise.all(Array.from({ length: count }, () => this.reply()));
  }

  async call(...words: readonly (string | number)[]): Promise<RespValue | undefined> {
    this.send(encode(...words));
    return await this.reply();
  }

  /** Sends all at once; gives all replies. */
  async pipeline(
    ...commands: readonly (readonly (string | number)[])[]
  ): Promise<(RespValue | undefined)[]> {
    this.send(Buffer.concat(commands.map((words) => encode(...words))));
    return await this.replies(commands.length);
  }

  /** Resolves when the other side has closed, or at once if it has. */
  async closed(): Promise<void> {
    if (!this.#isClosed) await once(this.socket, 'close');
  }

  close(): void {
    this.socket.destroy();
  }

  #deliver(): void {
    while (this.#waiting.length > 0) {
      const value = this.#reader.next();
      if (value === undefined && !this.#isClosed) return;
      this.#waiting.shift()?.(value);
    }
  }
}

import { connect, type Socket } from 'node:net';

/** A reply of RESP2; null is nil. */
export type Reply = string | number | null | ReplyError | readonly Reply[];

/** A reply that is an error: a code, and why. */
export class ReplyError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get code(): string {
    return this.text.slice(0, `${this.text} `.indexOf(' '));
  }
}

/** The connection went before the reply came: nobody knows whether the command happened. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/**
 * A connection that sends a command once and never again, whatever happens: a client that repeats
 * commands by itself could not tell what a server does.
 */
export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #held = Buffer.alloc(0);
  #isClosed = false;

  static open({ host, port }: Endpoint, timeoutMs: number): Promise<RespConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const timer = setTimeout(
        () => socket.destroy(new ConnectionLost('no connection')),
        timeoutMs,
      );
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(new RespConnection(socket));
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      try {
        this.#onData(bytes);
      } catch (error) {
        this.#end(error as Error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => this.close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Rejects with ConnectionLost; after `timeoutMs` without a reply the connection is closed. */
  call(words: readonly string[], timeoutMs: number): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(new ConnectionLost('it was closed before'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.close(), timeoutMs);
      this.#waiting.push({
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    });
  }

  close(): void {
    this.#end(new ConnectionLost('it was closed'));
  }

  #end(why: Error): void {
    this.#isClosed = true;
    this.#socket.destroy();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(why);
  }

  #onData(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    let at = 0;
    for (;;) {
      const read = readReply(this.#held, at);
      if (read === undefined) break;
      at = read.end;
      this.#waiting.shift()?.resolve(read.reply);
    }
    this.#held = this.#held.subarray(at);
  }
}

/** The reply that starts here and where it ends; undefined if it is not all there. */
export function readReply(bytes: Buffer, at: number): { reply: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const text = bytes.toString('utf8', at + 1, lineEnd);
  const end = lineEnd + 2;
  switch (bytes[at]) {
    case 0x2b:
      return { reply: text, end };
    case 0x2d:
      return { reply: new ReplyError(text), end };
    case 0x3a:
      return { reply: Number(text), end };
    case 0x24:
      return readBulk(bytes, end, Number(text));
    case 0x2a:
      return readItems(bytes, end, Number(text));
    default:
      throw new Error(`no RESP: ${bytes.toString('utf8', at, lineEnd)}`);
  }
}

function readBulk(bytes: Buffer, at: number, length: number): ReturnType<typeof readReply> {
  if (length < 0) return { reply: null, end: at };
  const end = at + length + 2;
  if (end > bytes.length) return undefined;
  return { reply: bytes.toString('utf8', at, at + length), end };
}

function readItems(bytes: Buffer, start: number, count: number): ReturnType<typeof readReply> {
  const items: Reply[] = [];
  let at = start;
  for (let i = 0; i < count; i += 1) {
    const read = readReply(bytes, at);
    if (read === undefined) return undefined;
    items.push(read.reply);
    at = read.end;
  }
  return { reply: count < 0 ? null : items, end: at };
}

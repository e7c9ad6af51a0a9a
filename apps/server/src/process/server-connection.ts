import { connect, type Socket } from 'node:net';
import { formatAddress, type HostPort } from '@rsl/transport-tcp';

const connectWithinMs = 5_000;
/** More than any reply that is asked for here. */
const replyBytesMax = 16 * 1024 * 1024;

/** What a running server answers: a line, an integer, or bytes. */
type Answer = Buffer;

/** For the commands of `rsl-server` that ask a running one: one question at a time. */
export class ServerConnection {
  readonly #where: string;
  readonly #socket: Socket;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The reply is not whole before there are so many. */
  #wanted = 1;
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(client: HostPort) {
    this.#where = formatAddress(client);
    this.#socket = connect({ ...client, timeout: connectWithinMs });
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the connection was closed'));
    this.#socket.on('timeout', () => this.#fail(`no answer within ${connectWithinMs} ms`));
  }

  /** Rejects with what the server says if that is an error, and when nobody answers in time. */
  ask(...words: readonly (string | number)[]): Promise<Answer> {
    return this.#ask(words, connectWithinMs);
  }

  /** The same for what may take its time: only a connection that is lost ends it. */
  askPatiently(...words: readonly (string | number)[]): Promise<Answer> {
    return this.#ask(words, 0);
  }

  close(): void {
    this.#failure ??= new Error('the connection was closed');
    this.#socket.destroy();
  }

  #ask(words: readonly (string | number)[], withinMs: number): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#socket.setTimeout(withinMs);
    const bulks = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`*${words.length}\r\n${bulks.join('')}`);
    });
  }

  #take(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#wanted) return;
    const held = Buffer.concat(this.#held);
    this.#held = [held];
    const answer = answerIn(held);
    if (answer === undefined) return this.#fail('what answers there is no rsl-server');
    if (typeof answer === 'number') {
      this.#wanted = answer;
      return;
    }
    this.#held = [];
    this.#heldBytes = 0;
    this.#wanted = 1;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#socket.setTimeout(0);
    if (answer instanceof Error) waiting?.reject(answer);
    else waiting?.resolve(answer);
  }

  #fail(what: string): void {
    const why = `${this.#where}: ${what}; give the --client address of a running server`;
    this.#failure ??= new Error(why);
    this.#socket.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}

/** The one reply, how many bytes it takes if they are not all there, or undefined for none. */
function answerIn(bytes: Buffer): Buffer | Error | number | undefined {
  const line = bytes.indexOf('\r\n');
  if (line < 0) return bytes.length < 4_096 ? bytes.length + 1 : undefined;
  const text = bytes.toString('utf8', 1, line);
  switch (String.fromCharCode(bytes[0] ?? 0)) {
    case '-':
      return new Error(text);
    case '+':
    case ':':
      return bytes.subarray(1, line);
    case '$': {
      const length = /^\d{1,9}$/.test(text) ? Number(text) : replyBytesMax + 1;
      if (length > replyBytesMax) return undefined;
      const end = line + 2 + length;
      return bytes.length < end + 2 ? end + 2 : bytes.subarray(line + 2, end);
    }
    default:
      return undefined;
  }
}

/** Asks, and closes the connection whatever comes of it. */
export async function withServer<T>(
  client: HostPort,
  use: (server: ServerConnection) => Promise<T>,
): Promise<T> {
  const server = new ServerConnection(client);
  try {
    return await use(server);
  } finally {
    server.close();
  }
}

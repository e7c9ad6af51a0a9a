import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** One direction of dialling between two replicas: what goes through is counted, and can be cut. */
export class Proxy {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** To who was dialled, and back to who dialled. */
  bytes = { there: 0, back: 0 };

  private constructor(server: Server, to: string) {
    this.#server = server;
    const address = server.address();
    this.address = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    server.on('connection', (socket) => this.#join(socket, to));
  }

  static async open(to: string): Promise<Proxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, to);
  }

  /** Every connection is broken; who dials again gets through. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket, to: string): void {
    const [host = '', port] = to.split(':');
    const far = connect({ host, port: Number(port), noDelay: true });
    this.#pass(near, far, (bytes) => (this.bytes.there += bytes));
    this.#pass(far, near, (bytes) => (this.bytes.back += bytes));
  }

  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    this.#sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on('data', ({ length }) => count(length));
    from.pipe(to);
  }
}

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { RslError } from '@rsl/core';
import { connectClient } from '@rsl/core/client';
import { afterEach, expect, test } from 'vitest';
import { tcpConnector } from '../src/index.ts';

// Whatever a connection comes to, callers hear errors with a code, and the connection's as a cause.

const sockets = new Set<Socket>();
let server: Server | undefined;

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

async function listening(greet: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    greet(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

async function closed(): Promise<string> {
  const address = await listening(() => undefined);
  server?.close();
  await once(server as Server, 'close');
  return address;
}

test.each([
  ['refuses', closed, /: .*ECONNREFUSED/],
  ['is silent', () => listening(() => undefined), /: no (connection within 50 ms|welcome in time)/],
  ['closes', () => listening((socket) => socket.end()), /./],
  ['says what is no hello', () => listening((socket) => socket.end('HTTP/1.1 400\r\n')), /./],
  ['is no address', () => Promise.resolve('nowhere'), /must be host:port/],
])('of a place that %s callers hear RSL_NOT_LEADER, and why', async (_, place, why) => {
  const client = connectClient({
    group: 'nobody',
    addresses: [await place()],
    connector: tcpConnector({ handshakeTimeoutMs: 50 }),
    timings: { connectTimeoutMs: 100, retryMsMin: 5, retryMsMax: 10 },
  });
  const options = { timeoutMs: 400 };
  for (const call of [client.propose(new Uint8Array(1), options), client.status(options)]) {
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RslError);
    expect(error).toMatchObject({
      code: 'RSL_NOT_LEADER',
      outcome: 'not-executed',
      cause: { message: expect.stringMatching(why) as string },
    });
  }
  await client.close();
});

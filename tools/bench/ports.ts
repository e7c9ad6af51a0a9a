import { once } from 'node:events';
import { createServer } from 'node:net';

/** So many that nobody listens at now. */
export async function freeAddresses(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const addresses = servers.map((server) => {
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return addresses;
}

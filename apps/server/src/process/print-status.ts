import type { HostPort } from '@rsl/transport-tcp';
import { withServer } from './server-connection.ts';

/** `rsl-server status`: asks a running server and prints its JSON. */
export async function printStatus(client: HostPort): Promise<void> {
  const text = await withServer(client, (server) => server.ask('RSL.STATUS'));
  const status: unknown = JSON.parse(text.toString());
  process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
}

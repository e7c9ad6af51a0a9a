// A process that takes the lock, says its token, and never lets go.
import { connectClient } from '@rsl/core/client';
import { tcpConnector } from '@rsl/transport-tcp';
import { type Command, lockService } from './locks.ts';

const client = connectClient<Command, number | undefined>({
  group: 'locks',
  addresses: process.argv.slice(2),
  connector: tcpConnector(),
  codec: lockService().codec,
  sessionTtlMs: 3_000,
});
const token = await client.propose({ kind: 'acquire', name: 'printer' });
process.stdout.write(`${token}\n`);

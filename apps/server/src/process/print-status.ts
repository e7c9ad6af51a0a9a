import { connect } from 'node:net';
import { formatAddress, type HostPort } from '@rsl/transport-tcp';

const withinMs = 5_000;

/** `rsl-server status`: asks a running server and prints its JSON. */
export async function printStatus(client: HostPort): Promise<void> {
  const status: unknown = JSON.parse(await ask(client));
  process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
}

function ask(client: HostPort): Promise<string> {
  return new Promise((resolve, reject) => {
    const where = formatAddress(client);
    const fail = (what: string): void => {
      reject(new Error(`${where}: ${what}; give the --client address of a running server`));
    };
    const socket = connect({ ...client, timeout: withinMs });
    let held = Buffer.alloc(0);
    socket.on('connect', () => socket.write('RSL.STATUS\r\n'));
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      const answer = bulkIn(held);
      if (answer === 'partial') return;
      socket.destroy();
      if (answer === undefined) fail('what answers there is no rsl-server');
      else resolve(answer.text);
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => fail('the connection was closed'));
    socket.on('timeout', () => {
      socket.destroy();
      fail(`no answer within ${withinMs} ms`);
    });
  });
}

/** The text of `$5\r\nhello\r\n`; undefined if it is something else. */
function bulkIn(bytes: Buffer): { text: string } | 'partial' | undefined {
  const line = bytes.indexOf('\r\n');
  if (line < 0) return bytes.length < 64 ? 'partial' : undefined;
  const length = /^\$(\d+)$/.exec(bytes.toString('latin1', 0, line))?.[1];
  if (length === undefined) return undefined;
  const end = line + 2 + Number(length);
  return bytes.length < end + 2 ? 'partial' : { text: bytes.toString('utf8', line + 2, end) };
}

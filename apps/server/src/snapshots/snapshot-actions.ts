import { SnapshotGoneError } from '@rsl/core';
import type { SnapshotMeta } from '@rsl/core/protocol';
import { copySnapshot, type Saved } from '@rsl/snapshot';
import { type ServerConnection, withServer } from '../process/server-connection.ts';
import type { SnapshotActions, SnapshotCopy } from './snapshot-command.ts';

const pieceBytes = 256 * 1024;
/** Each time the one that was being copied had gone, and a newer one was there. */
const triesMax = 5;

/** `rsl-server snapshot …`: asks a running server, and prints a line of JSON for each snapshot. */
export const snapshotActions: SnapshotActions = {
  async snapshotSave(client) {
    const answer = await withServer(client, (server) =>
      server.askPatiently('RSL.SNAPSHOT', 'SAVE'),
    );
    const { meta, where } = JSON.parse(answer.toString()) as Saved;
    print({ ...shown(meta), where });
  },
  async snapshotList(client) {
    for (const meta of await withServer(client, listOf)) print(shown(meta));
  },
  async snapshotStop(client) {
    await withServer(client, (server) => server.ask('RSL.SNAPSHOT', 'STOP'));
  },
  async snapshotAllow(client) {
    await withServer(client, (server) => server.ask('RSL.SNAPSHOT', 'ALLOW'));
  },
  async snapshotCopy(given) {
    await withServer(given.client, (server) => copyNewest(server, given));
  },
};

async function copyNewest(server: ServerConnection, { to }: SnapshotCopy): Promise<void> {
  const status = JSON.parse((await server.ask('RSL.STATUS')).toString()) as { group: string };
  for (let attempt = 1; ; attempt++) {
    const [meta] = await listOf(server);
    if (meta === undefined) {
      throw new Error('the server has no snapshot yet; let it save one: rsl-server snapshot save');
    }
    const { group } = status;
    const read = (offset: number): Promise<Buffer> =>
      server.ask('RSL.SNAPSHOT', 'READ', meta.digest, offset, pieceBytes);
    try {
      const where = await copySnapshot({ directory: to, group, meta, read, onBytes: told(meta) });
      return print({ ...shown(meta), where });
    } catch (error) {
      if (!isGone(error) || attempt === triesMax) throw error;
    }
  }
}

async function listOf(server: ServerConnection): Promise<readonly SnapshotMeta[]> {
  return JSON.parse((await server.ask('RSL.SNAPSHOT', 'LIST')).toString()) as SnapshotMeta[];
}

/** How far a copy is, on stderr, now and then. */
function told({ bytes }: SnapshotMeta): (so: number) => void {
  let percentTold = 0;
  return (so) => {
    const percent = Math.floor((10 * so) / bytes) * 10;
    if (percent <= percentTold) return;
    percentTold = percent;
    process.stderr.write(`${so} of ${bytes} bytes\n`);
  };
}

/** As the server says it, in a reply. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith(new SnapshotGoneError(0).code);

const shown = ({ slot, bytes, digest }: SnapshotMeta): object => ({ slot, bytes, digest });

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

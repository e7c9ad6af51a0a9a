import { Refusal } from '../commands/command.ts';
import type { ConnectionCommand, ServerContext } from './connection-command.ts';

/** CONFIG GET: what benchmarks and clients ask about, under the names of Redis. */
export const configCommand: ConnectionCommand = {
  kind: 'connection',
  name: 'config',
  arity: -2,
  keys: [0, 0, 0],
  flags: ['admin', 'noscript', 'loading', 'stale'],
  group: 'server',
  summary: 'Says how the server is set up: GET with patterns.',
  run({ server }, args, reply) {
    if (!args.is(0, 'GET')) {
      throw new Refusal('ERR only CONFIG GET is known: give options when the server is started');
    }
    if (args.count < 2) {
      throw new Refusal("ERR wrong number of arguments for 'config|get' command");
    }
    const patterns = args.texts(1).map(globPattern);
    const found = Object.entries(settingsOf(server)).filter(([name]) =>
      patterns.some((pattern) => pattern.test(name)),
    );
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulk(name);
      reply.bulk(value);
    }
  },
};

function settingsOf({ address, limits }: ServerContext): Readonly<Record<string, string>> {
  const colon = address.lastIndexOf(':');
  return {
    appendfsync: 'always',
    appendonly: 'yes',
    bind: address.slice(0, colon),
    databases: '1',
    maxclients: String(limits.connectionsMax),
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    port: address.slice(colon + 1),
    'proto-max-bulk-len': String(limits.commandBytesMax),
    save: '',
    timeout: '0',
  };
}

/** `*` and `?` of a glob. A run of stars is one: otherwise a hostile pattern takes for ever. */
function globPattern(glob: string): RegExp {
  const pattern = glob
    .slice(0, 64)
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '*')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${pattern}$`, 'i');
}

import type { ReplicaStatus } from '@rsl/core';
import type { Reply } from '../resp/reply.ts';
import { serverVersion } from '../version.ts';
import type { ConnectionCommand, ServerContext } from './connection-command.ts';
import { type Fields, fieldsOf, savingFields } from './snapshot-fields.ts';

const plain = {
  kind: 'connection',
  keys: [0, 0, 0],
  flags: ['loading', 'stale'],
  group: 'server',
} as const;

export const infoCommands: readonly ConnectionCommand[] = [
  {
    ...plain,
    name: 'info',
    arity: -1,
    summary: 'Describes the server, its replica and its group.',
    run({ server }, args, reply) {
      const asked = args.texts(0).map((name) => name.toLowerCase());
      const isWanted = (name: string): boolean =>
        asked.length === 0 || asked.some((each) => allSections.has(each) || each === name);
      const status = server.replica.status();
      const parts = Object.entries(sections)
        .filter(([name]) => isWanted(name.toLowerCase()))
        .map(([name, fieldsOf]) => section(name, fieldsOf(server, status)));
      reply.verbatim(parts.join('\r\n'));
    },
  },
  {
    ...plain,
    name: 'role',
    arity: 1,
    summary: 'Says whether this replica leads, and who its peers are.',
    run: ({ server }, _, reply) => role(server.replica.status(), reply),
  },
  {
    ...plain,
    name: 'rsl.status',
    arity: 1,
    summary: 'The state of the replica and the server as JSON.',
    run({ server }, _, reply) {
      const { counters, address, machine, snapshots } = server;
      const keys = machine.keyspace.size;
      const own = { address, keys, ...counters, snapshots: snapshots?.state };
      const status = { ...server.replica.status(), server: own };
      reply.bulk(Buffer.from(JSON.stringify(status)).toString('latin1'));
    },
  },
  {
    ...plain,
    name: 'rsl.metrics',
    arity: -1,
    summary: 'What the replica has measured, as JSON; with RESET it begins anew.',
    run({ server }, args, reply) {
      const reset = args.count === 1 && args.is(0, 'RESET');
      if (args.count > 0 && !reset) return reply.error('ERR RSL.METRICS takes nothing but RESET');
      const metrics = server.replica.metrics({ reset });
      reply.bulk(Buffer.from(JSON.stringify(metrics)).toString('latin1'));
    },
  },
];

const allSections = new Set(['all', 'default', 'everything']);

const sections: Readonly<Record<string, (server: ServerContext, status: ReplicaStatus) => Fields>> =
  {
    Server: ({ startedAtMs, address }) => ({
      redis_version: serverVersion.redis,
      rsl_version: serverVersion.rsl,
      redis_mode: 'standalone',
      os: `${process.platform} ${process.arch}`,
      process_id: process.pid,
      tcp_port: address.slice(address.lastIndexOf(':') + 1),
      uptime_in_seconds: Math.floor((Date.now() - startedAtMs) / 1_000),
    }),
    Clients: ({ counters, limits }) => ({
      connected_clients: counters.connections,
      maxclients: limits.connectionsMax,
    }),
    Memory: ({ counters }) => {
      const { heapUsed, rss } = process.memoryUsage();
      return {
        used_memory: heapUsed,
        used_memory_rss: rss,
        held_command_bytes: counters.heldBytes,
      };
    },
    Persistence: ({ snapshots, startedAtMs }, status) => ({
      // What clients wait for before they send anything; a replica answers when it can.
      loading: 0,
      ...(snapshots === undefined ? {} : savingFields(snapshots.state, startedAtMs)),
      aof_enabled: 1,
      aof_current_size: status.log.bytesUsed,
    }),
    Snapshots: ({ snapshots }): Fields =>
      snapshots === undefined ? {} : fieldsOf(snapshots.state),
    Stats: ({ counters }) => ({
      total_connections_received: counters.accepted,
      rejected_connections: counters.refused,
      closed_connections: counters.closed,
      total_commands_processed: counters.commands,
    }),
    Replication: (_, status) => ({
      role: status.state === 'leader' ? 'master' : 'slave',
      connected_slaves: status.members.filter((m) => m.connected && m.id !== status.self).length,
      master_repl_offset: status.executedThrough,
    }),
    Rsl: (_, status) => ({
      rsl_group: status.group,
      rsl_id: status.self,
      rsl_store: status.store,
      rsl_state: status.state,
      rsl_leader: status.leader ?? 'none',
      rsl_configuration: status.configuration,
      rsl_first_slot: status.firstSlot,
      rsl_executed_through: status.executedThrough,
      rsl_time_ms: status.timeMs,
      rsl_pending_commands: status.pendingCommands,
      rsl_pending_bytes: status.pendingBytes,
      rsl_log_mode: status.log.mode,
      ...Object.fromEntries(
        status.members.map(({ id, ...member }) => [
          `rsl_member_${id}`,
          `store=${member.store},role=${member.role},connected=${member.connected ? 1 : 0}`,
        ]),
      ),
    }),
    Keyspace: ({ machine }): Fields => {
      const { size, expiries } = machine.keyspace;
      return size === 0 ? {} : { db0: `keys=${size},expires=${expiries.size},avg_ttl=0` };
    },
  };

function section(name: string, fields: Fields): string {
  const lines = Object.entries(fields).map(([field, value]) => `${field}:${value}\r\n`);
  return `# ${name}\r\n${lines.join('')}`;
}

/** As Redis says it; the addresses are those between replicas. */
function role(status: ReplicaStatus, reply: Reply): void {
  const addressOf = (id: number | undefined): [string, string] => {
    const member = status.members.find((each) => each.id === id);
    const address = member?.addresses['tcp'] ?? ':0';
    const colon = address.lastIndexOf(':');
    return [address.slice(0, colon), address.slice(colon + 1)];
  };
  if (status.state !== 'leader') {
    const [host, port] = addressOf(status.leader);
    reply.array(5);
    reply.bulk('slave');
    reply.bulk(host);
    reply.integer(Number(port));
    reply.bulk(status.leader === undefined ? 'connect' : 'connected');
    return reply.integer(status.executedThrough);
  }
  const others = status.members.filter(({ id, connected }) => connected && id !== status.self);
  reply.array(3);
  reply.bulk('master');
  reply.integer(status.executedThrough);
  reply.array(others.length);
  for (const { id } of others) {
    reply.array(3);
    for (const part of addressOf(id)) reply.bulk(part);
    reply.bulk(String(status.executedThrough));
  }
}

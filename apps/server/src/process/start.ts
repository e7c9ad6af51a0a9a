import { join } from 'node:path';
import { type Logger, type Replica, startReplica } from '@rsl/core';
import { type ClientServer as Gateway, serveClients } from '@rsl/core/client';
import { fileLog } from '@rsl/log-file';
import { fileSnapshots, type Snapshots, snapshots } from '@rsl/snapshot';
import { formatAddress, tcp, tcpListener } from '@rsl/transport-tcp';
import { defaultClientLimits } from '../client/client-limits.ts';
import { ClientServer } from '../client/client-server.ts';
import { KeyValue } from '../key-value.ts';
import { SnapshotDesk } from '../snapshots/snapshot-desk.ts';
import { failureLine } from './failure.ts';
import { formGroup } from './form-group.ts';
import { logEvents } from './log-events.ts';
import { createLogger } from './logging.ts';
import type { StartSettings } from './start-settings.ts';
import { slowFor, timingsFor } from './timings.ts';

/** What was sent before a stop is answered within this; then connections are cut. */
const answerWithinMs = 5_000;
const stopWithinMs = 15_000;

/** `rsl-server start`: resolves once it serves; the process then runs until it is stopped. */
export async function start(settings: StartSettings): Promise<void> {
  const { id, logLevel: level, logFormat: format } = settings;
  const logger = createLogger({ id, level, format });
  const machine = new KeyValue(settings.maxOutputBytes);
  const desk = new SnapshotDesk(logger);
  const replica = await openReplica(settings, machine, desk, logger);
  logEvents(replica, logger);
  const { server, gateway } = await serve({ settings, replica, machine, desk, logger });
  stopOn(replica, server, logger);
  const endpoints = {
    clients: server.address,
    ...(gateway === undefined ? {} : { clientsWithSessions: gateway.address }),
    replicas: formatAddress(settings.listen),
    data: settings.data,
  };
  logger.info({ event: 'ready', group: settings.group, ...endpoints }, 'ready');
  if (settings.bootstrap) await formGroup(replica, settings.members, logger);
}

function openReplica(
  settings: StartSettings,
  machine: KeyValue,
  desk: SnapshotDesk,
  logger: Logger,
): Promise<Replica> {
  const { id, group, lease, members, allowPlaintext } = settings;
  return startReplica({
    group,
    self: id,
    stateMachine: machine,
    layers: [openSnapshots(settings, desk)],
    log: fileLog(join(settings.data, 'log')),
    transport: tcp({ listen: formatAddress(settings.listen), allowPlaintext }),
    peers: members.filter((member) => member.id !== id),
    skip: settings.skipSlots,
    limits: {
      slotsInFlightMax: settings.window,
      batchCommandsMax: settings.batchCommands,
      batchBytesMax: settings.batchBytes,
    },
    timings: timingsFor(settings.electionTimeoutMs),
    slow: slowFor(settings.electionTimeoutMs),
    isolation: settings.isolation,
    ...(lease === undefined ? {} : { lease }),
    logger,
  });
}

function openSnapshots(settings: StartSettings, desk: SnapshotDesk): Snapshots {
  const kept = snapshots({
    store: fileSnapshots(join(settings.data, 'snapshots')),
    everySlots: settings.snapshotEverySlots,
    everyBytes: settings.snapshotEveryBytes,
    everyMs: settings.snapshotEveryMs,
    keep: settings.snapshotKeep,
    followersOnly: settings.snapshotFollowersOnly,
    retainSlots: settings.retainSlots,
    retainBytes: settings.retainBytes,
    bytesPerSecondMax: settings.snapshotBytesPerSecond,
    onProgress: desk.heard,
  });
  desk.serve(kept);
  return kept;
}

/** What serving takes. */
interface Served {
  readonly settings: StartSettings;
  readonly replica: Replica;
  readonly machine: KeyValue;
  readonly desk: SnapshotDesk;
  readonly logger: Logger;
}

interface Serving {
  readonly server: ClientServer;
  readonly gateway: Gateway | undefined;
}

async function serve(served: Served): Promise<Serving> {
  try {
    // It ends with the replica.
    const gateway = await serveSessions(served);
    return { gateway, server: await serveRedis(served) };
  } catch (error) {
    await served.replica.close();
    throw error;
  }
}

function serveRedis({ settings, desk, ...rest }: Served): Promise<ClientServer> {
  const limits = {
    ...defaultClientLimits,
    connectionsMax: settings.maxConnections,
    commandBytesMax: settings.maxCommandBytes,
    outputBytesMax: settings.maxOutputBytes,
    stallMs: settings.stallMs,
    timeoutMs: settings.timeoutMs,
  };
  const { client: listen, allowPlaintext } = settings;
  return ClientServer.listen({ listen, allowPlaintext, snapshots: desk, limits, ...rest });
}

/** Clients of @rsl/core/client, if they are wanted. */
async function serveSessions({
  settings,
  replica,
  machine,
  logger,
}: Served): Promise<Gateway | undefined> {
  const { clients, allowPlaintext, maxConnections: connectionsMax } = settings;
  if (clients === undefined) return undefined;
  const listen = tcpListener(formatAddress(clients), { allowPlaintext, connectionsMax });
  return serveClients(replica, { listen, stateMachine: machine, logger });
}

/** A signal, or a replica that cannot go on, ends the process; a second signal does so at once. */
function stopOn(replica: Replica, server: ClientServer, logger: Logger): void {
  let isStopping = false;
  const stop = async (why: string, exitCode: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ event: 'stopping', why }, 'stopping');
    setTimeout(() => {
      process.stderr.write(`rsl-server: did not stop within ${stopWithinMs} ms\n`);
      process.exit(1);
    }, stopWithinMs).unref();
    await server.close(answerWithinMs);
    await replica.close();
    logger.info({ event: 'stopped', exitCode }, 'stopped');
    process.exit(exitCode);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      void stop(signal, 0);
    });
  }
  replica.on('stopped', ({ error }) => {
    if (error === undefined) return;
    process.stderr.write(`${failureLine(error)}\n`);
    void stop(error.code, 1);
  });
}

import type { LeaseOptions } from '../api.ts';
import { LogTruncatedError } from '../errors.ts';
import type { Timings } from '../limits.ts';
import type { MakeProtocol } from '../paxos/protocol.ts';
import { Replica as PaxosReplica } from '../paxos/replica.ts';
import type { EngineLayer, Layer } from '../ports/layer.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Port, PortContext } from '../ports/port.ts';
import type { PeerAddress, Transport } from '../ports/transport.ts';
import type { Application } from './halves.ts';
import { Host } from './host.ts';
import type { Measures } from './measures.ts';
import { type Remembered, remember, restoredAfter } from './recovery.ts';

/** What an engine opens. */
export interface EnginePorts {
  readonly log: Port<LogStore>;
  readonly transport: Port<Transport>;
  /** The outermost first. */
  readonly layers: readonly Pick<Layer, 'channel' | 'engine'>[];
}

/** What an engine works with. */
export interface Opened {
  readonly log: LogStore;
  readonly remembered: Remembered;
  readonly transport: Transport;
  /** By their channels, the outermost first. */
  readonly layers: ReadonlyMap<number, EngineLayer>;
  close(): Promise<void>;
}

/** Opens the log, reads what it remembers, and opens the transport; or leaves nothing open. */
export async function openPorts(ports: EnginePorts, context: PortContext): Promise<Opened> {
  const { log, remembered } = await openLog(ports.log, context);
  const closeLog = (): Promise<void> =>
    log.close().catch((error: unknown) => {
      context.logger.warn({ err: error }, 'the log did not close well');
    });
  try {
    const layers = new Map<number, EngineLayer>();
    for (const { channel, engine } of ports.layers) layers.set(channel, await engine.open(context));
    const transport = await ports.transport.open(context);
    const close = async (): Promise<void> => {
      await transport.close();
      await closeLog();
    };
    return { log, remembered, transport, layers, close };
  } catch (error) {
    await closeLog();
    throw error;
  }
}

/** The log, and what it remembers. Copied files are another store from now on (S2, S2a). */
async function openLog(
  port: Port<LogStore>,
  context: PortContext,
): Promise<{ readonly log: LogStore; readonly remembered: Remembered }> {
  const log = await port.open(context);
  try {
    const remembered = await remember(log);
    const { copied, store } = remembered.info;
    if (copied === 'device') {
      context.logger.warn({ store }, 'the log is on another device than when it was made');
    }
    if (copied !== 'files') return { log, remembered };
    // Whoever has the original may vote with it.
    await log.renew();
    await log.close();
    context.logger.warn({ store }, 'copied files: from now on another store, without a vote');
  } catch (error) {
    await log.close().catch(() => undefined);
    throw error;
  }
  return openLog(port, context);
}

export interface EngineOptions {
  readonly timings: Timings;
  readonly peers: readonly PeerAddress[];
  readonly lease: LeaseOptions | undefined;
  /** Random, 48 bits: this start. */
  readonly epoch: number;
}

/** The engine of this application, not yet started. */
export function engineOf(
  { timings, peers, lease, epoch }: EngineOptions,
  context: PortContext,
  { layers, log, remembered }: Opened,
  parts: Measures & { readonly application: Application },
): Host {
  const { group, self, limits, clock, random, logger } = context;
  const { store } = remembered.info;
  const makeReplica: MakeProtocol = (membership, restored) => {
    // No layer has taken care of it: to go on from an empty state would be wrong for ever (S6).
    if (restored.isStateless) throw new LogTruncatedError(1, restored.firstSlot);
    const shared = { self, store, limits, timings, random };
    const settings = lease === undefined ? shared : { ...shared, lease };
    return new PaxosReplica(membership, restored, settings, clock.nowMs());
  };
  const about = { self, below: (limit: number) => random.below(limit) };
  const makeProtocol = [...layers.values()].reduceRight<MakeProtocol>(
    (inner, layer) => layer.wrap(inner, about),
    makeReplica,
  );
  const codecs = new Map([...layers].map(([channel, { codec }]) => [channel, codec] as const));
  const given = { group, self, limits, timings, clock, logger, peers, epoch, layers: codecs };
  const watchesSuspends = lease !== undefined;
  return new Host({ ...given, ...parts, log, remembered, makeProtocol, watchesSuspends });
}

/** It takes part in its group from now on. */
export function startEngine(
  host: Host,
  { group, self }: PortContext,
  { log, remembered, transport }: Opened,
  epoch: number,
): void {
  const { info, restored } = remembered;
  const { executedThrough } = host;
  // What the log has of those slots, if anything, are votes that nothing proves, or a hole. A later
  // decided-through would make decisions of them (P11): the log begins behind, as after an install.
  if (executedThrough > restored.decidedThrough) log.truncate(executedThrough + 1);
  const local = { group, id: self, store: info.store, instance: epoch };
  const from = restoredAfter(restored, executedThrough);
  host.start((on) => transport.open(local, on), from);
}

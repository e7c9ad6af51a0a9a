import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ReplicaOptions } from '../api.ts';
import { InvalidOptionError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { CheckedOptions } from '../options.ts';
import type { Logger } from '../ports/logger.ts';
import type { Port, PortContext } from '../ports/port.ts';
import type { Halves } from '../running-replica.ts';
import { type EngineData, startApart } from './apart.ts';
import { EngineLink } from './engine-link.ts';
import type { EngineThreadData, Remote, Report } from './words.ts';

const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './engine-thread.ts' : './engine-thread.js',
  import.meta.url,
);

/** The engine on a thread of its own; the state machine and the callers stay on this one. */
export async function startThread<C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
): Promise<Halves> {
  const log = remoteOf('log', options.log);
  const transport = remoteOf('transport', options.transport);
  const layers = (options.layers ?? []).map(({ name, channel, engine }) => ({
    channel,
    engine: remoteOf(`layers: ${name}`, engine),
  }));
  return startApart(options, checked, context, events, (data) =>
    launched({ ...data, log, transport, layers }, context.logger),
  );
}

function remoteOf(option: string, { remote }: Port<unknown>): Remote {
  if (remote !== undefined) return remote;
  const why = 'cannot be opened on another thread, for it has no `remote`';
  throw new InvalidOptionError(option, `${why}; use another one, or isolation: 'inline'`);
}

function launched(
  data: EngineData & Pick<EngineThreadData, 'layers' | 'log' | 'transport'>,
  logger: Logger,
): EngineLink {
  const { port1: port, port2 } = new MessageChannel();
  const workerData = { ...data, port: port2 } satisfies EngineThreadData;
  const worker = startedWorker(workerData);
  const link: EngineLink = new EngineLink(
    {
      post: (order) => port.postMessage(order),
      end: () => void worker.terminate(),
    },
    logger,
  );
  port.on('message', (report: Report) => link.take(report));
  // What it said last may come behind its end when this thread was busy: above all, why.
  const hear = (): void => {
    for (let last = receiveMessageOnPort(port); last; last = receiveMessageOnPort(port))
      link.take(last.message as Report);
  };
  worker.on('error', (error) => {
    hear();
    link.died(error);
  });
  worker.on('exit', () => {
    hear();
    port.close();
    link.gone();
  });
  return link;
}

function startedWorker(workerData: EngineThreadData): Worker {
  try {
    const transferList = [workerData.port];
    return new Worker(threadFile, { workerData, transferList, name: 'rsl-engine' });
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
    const why = `what the engine's thread is given cannot be cloned: ${error.message}`;
    throw new InvalidOptionError('isolation', why);
  }
}

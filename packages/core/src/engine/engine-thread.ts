/** The body of an engine's thread: protocol, log and transport of one replica. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '../host/system-clock.ts';
import { systemRandom } from '../host/system-random.ts';
import type { EngineLayer } from '../ports/layer.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Port } from '../ports/port.ts';
import type { Transport } from '../ports/transport.ts';
import { EngineSide } from './engine-side.ts';
import type { EngineThreadData, Order, Remote } from './words.ts';

const { port, log, transport, layers, ...data } = workerData as EngineThreadData;

/** Opened when it is wanted, so that what its module throws is told like any other error. */
function remotePort<T>({ module, name, options }: Remote): Port<T> {
  return {
    open: async (context) => {
      const exported = (await import(module)) as Record<string, (options: unknown) => Port<T>>;
      const factory = exported[name];
      if (factory === undefined) throw new TypeError(`${module} exports no function ${name}`);
      return factory(options).open(context);
    },
  };
}

const side = new EngineSide({
  data,
  ports: {
    log: remotePort<LogStore>(log),
    transport: remotePort<Transport>(transport),
    layers: layers.map(({ channel, engine }) => ({
      channel,
      engine: remotePort<EngineLayer>(engine),
    })),
  },
  clock: systemClock,
  random: systemRandom,
  say: (report) => {
    port.postMessage(report);
    if (report.kind === 'closed') port.close();
  },
});
port.on('message', (order: Order) => side.take(order));
// Nobody executes what is decided any more, nor waits for it: who led on would only be in the way.
port.on('close', () => void side.close());
void side.open();

import type { Replica, ReplicaOptions } from '../api.ts';
import type { Events } from '../events.ts';
import type { CheckedOptions } from '../options.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../ports/clock.ts';
import type { PortContext } from '../ports/port.ts';
import type { Halves } from '../running-replica.ts';
import { startReplicaBy } from '../start-replica.ts';
import { startApart } from '../engine/apart.ts';
import { EngineLink } from '../engine/engine-link.ts';
import { EngineSide } from '../engine/engine-side.ts';

/**
 * A replica as with `isolation: 'thread'`, but both halves, with all that is between them, on one
 * thread; on one clock unless the engine is given another. The words take a turn of the event loop
 * each way, and are cloned as between threads.
 */
export const startReplicaBeside = <C = Uint8Array, R = Uint8Array>(
  options: ReplicaOptions<C, R>,
  engineClock: Clock = options.clock ?? systemClock,
): Promise<Replica<C, R>> =>
  startReplicaBy(
    (given, checked, context, events) => startBeside(given, checked, context, events, engineClock),
    options,
  );

function startBeside<C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
  engineClock: Clock,
): Promise<Halves> {
  const { clock, random, logger } = context;
  return startApart(options, checked, context, events, (data) => {
    const link: EngineLink = new EngineLink(
      {
        post: (order) => {
          const cloned = structuredClone(order);
          engineClock.soon(() => side.take(cloned));
        },
        end: () => link.gone(),
      },
      logger,
    );
    const side = new EngineSide({
      data,
      ports: { ...options, layers: options.layers ?? [] },
      clock: engineClock,
      random,
      say: (report) => {
        const cloned = structuredClone(report);
        clock.soon(() => link.take(cloned));
      },
    });
    void side.open();
    return link;
  });
}

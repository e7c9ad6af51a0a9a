import type { Replica, ReplicaOptions } from '../api.ts';
import type { Events } from '../events.ts';
import type { CheckedOptions } from '../options.ts';
import type { PortContext } from '../ports/port.ts';
import type { Halves } from '../running-replica.ts';
import { startReplicaBy } from '../start-replica.ts';
import { startApart } from '../engine/apart.ts';
import { EngineLink } from '../engine/engine-link.ts';
import { EngineSide } from '../engine/engine-side.ts';

/**
 * A replica as with `isolation: 'thread'`, but both halves, with all that is between them, on one
 * thread and one clock. The words take a turn of the event loop each way, and are cloned as between
 * threads.
 */
export const startReplicaBeside = <C, R>(options: ReplicaOptions<C, R>): Promise<Replica<C, R>> =>
  startReplicaBy(startBeside, options);

function startBeside<C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
): Promise<Halves> {
  const { clock, random, logger } = context;
  return startApart(options, checked, context, events, (data) => {
    const link: EngineLink = new EngineLink(
      {
        post: (order) => {
          const cloned = structuredClone(order);
          clock.soon(() => side.take(cloned));
        },
        end: () => link.gone(),
      },
      logger,
    );
    const side = new EngineSide({
      data,
      ports: options,
      clock,
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

import type { Replica, ReplicaOptions } from './api.ts';
import { startThread } from './engine/start-thread.ts';
import { Events } from './events.ts';
import { asRslError } from './host/as-rsl-error.ts';
import { Besides } from './host/besides.ts';
import { LocalApplication } from './host/local-application.ts';
import { measuresOf } from './host/measures.ts';
import { engineOf, openPorts, startEngine } from './host/open-engine.ts';
import { restore } from './host/recovery.ts';
import { systemClock } from './host/system-clock.ts';
import { systemRandom } from './host/system-random.ts';
import { type CheckedOptions, checkedOptions } from './options.ts';
import type { Founding } from './paxos/membership.ts';
import { silentLogger } from './ports/logger.ts';
import type { LayerAnswer } from './ports/layer.ts';
import type { PortContext } from './ports/port.ts';
import { rawCodec } from './raw-codec.ts';
import { type Halves, RunningReplica } from './running-replica.ts';
import type { HostedReplicaOptions } from './runtime.ts';

/**
 * Starts one replica: opens its log and transport, executes what the log knows to be decided, and
 * joins the group, if this store is in one; otherwise it waits for `bootstrap`, on whichever
 * member. With a `runtime` it shares that one's transport with replicas of other groups. Rejects
 * with RSL_INVALID_OPTION and with the errors of the ports; nothing stays open then.
 */
export async function startReplica<C = Uint8Array, R = Uint8Array>(
  options: ReplicaOptions<C, R> | HostedReplicaOptions<C, R>,
): Promise<Replica<C, R>> {
  if (options.runtime !== undefined) return options.runtime.host(options, startAlone);
  return startAlone(options);
}

/** With a log and a transport of its own, or with what it takes for them. */
const startAlone = <C, R>(options: ReplicaOptions<C, R>): Promise<Replica<C, R>> =>
  startReplicaBy(options.isolation === 'thread' ? startThread : startInline, options);

/** How the two halves come to be. */
type Start = <C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
) => Promise<Halves>;

export async function startReplicaBy<C, R>(
  start: Start,
  options: ReplicaOptions<C, R>,
): Promise<Replica<C, R>> {
  const checked = checkedOptions(options);
  const { limits, skip } = checked;
  const { group, self, stateMachine } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const logger = options.logger ?? silentLogger;
  if (skip.size > 0) {
    const why = 'these slots are not executed: start every replica with the same ones';
    logger.warn({ skip: [...skip] }, why);
  }
  const context: PortContext = { group, self, limits, clock, random, logger };
  const events = new Events(logger, (run) => clock.soon(run));
  const halves = await start(options, checked, context, events);
  const codec = stateMachine.codec ?? rawCodec<C, R>();
  return new RunningReplica(options, { ...halves, events, codec, limits });
}

/** Both halves on this thread: they call each other. */
async function startInline<C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
): Promise<Halves> {
  const { self, limits, clock, logger } = context;
  const { timings, skip } = checked;
  const { layers = [], stateMachine, lease, peers = [] } = options;
  const opened = await openPorts({ ...options, layers }, context);
  let besides: Besides | undefined;
  const close = async (): Promise<void> => {
    await besides?.close();
    await opened.close();
  };
  try {
    const { log, remembered } = opened;
    const epoch = context.random.below(2 ** 47);
    const measures = measuresOf(checked, clock, logger);
    const application: LocalApplication = new LocalApplication({
      self,
      epoch,
      limits,
      skip,
      clock,
      stateMachine,
      metrics: measures.metrics,
      emit: events.emit.bind(events) as Events['emit'],
      engine: () => engine,
    });
    const parts = { ...measures, application };
    const engine = engineOf({ timings, peers, lease, epoch }, context, opened, parts);
    const host = {
      state: application.state,
      group: remembered.membership?.group,
      founding: remembered.membership?.founding,
      founded: (on: Founding) => engine.foundOn(on),
      answer: (channel: number, answer: LayerAnswer) => engine.answer(channel, answer),
      fail: (error: Error) => engine.fail(asRslError(error)),
    };
    besides = await Besides.open(layers, context, host);
    application.give(besides);
    const kept = besides.isEmpty ? undefined : besides;
    await restore(log, remembered.restored, stateMachine, application.progress, kept);
    startEngine(engine, context, opened, epoch);
    return { application, engine, store: remembered.info.store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

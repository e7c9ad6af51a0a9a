import type { ReplicaOptions } from '../api.ts';
import type { RslError } from '../errors.ts';
import type { Events } from '../events.ts';
import { asRslError } from '../host/as-rsl-error.ts';
import { Besides } from '../host/besides.ts';
import { LocalApplication } from '../host/local-application.ts';
import { measuresOf } from '../host/measures.ts';
import { beginAt } from '../host/recovery.ts';
import type { CheckedOptions } from '../options.ts';
import type { Founding } from '../paxos/membership.ts';
import type { LayerAnswer } from '../ports/layer.ts';
import type { PortContext } from '../ports/port.ts';
import type { Halves } from '../running-replica.ts';
import { boardMemory } from './board.ts';
import type { EngineLink } from './engine-link.ts';
import { RemoteEngine } from './remote-engine.ts';
import { ringMemory } from './ring.ts';
import type { EngineThreadData, Order } from './words.ts';

/** What an engine elsewhere is started with, but for how it opens its log and transport. */
export type EngineData = Omit<EngineThreadData, 'layers' | 'log' | 'port' | 'transport'>;

/** The two halves of a replica, with shared memory and words between them. */
export async function startApart<C, R>(
  options: ReplicaOptions<C, R>,
  checked: CheckedOptions,
  context: PortContext,
  events: Events,
  launch: (data: EngineData) => EngineLink,
): Promise<Halves> {
  const { self, limits, clock, logger } = context;
  const { timings, skip } = checked;
  const { layers = [], stateMachine } = options;
  const data = dataOf(options, checked, context);
  const { epoch, shared } = data;
  const link = launch(data);
  let besides: Besides | undefined;
  let running: RemoteEngine | undefined;
  try {
    const { decidedThrough, firstSlot, founding, group, store } = await link.opened;
    const { counters, metrics } = measuresOf(checked, clock, logger);
    const application: LocalApplication = new LocalApplication({
      self,
      epoch,
      limits,
      skip,
      clock,
      stateMachine,
      metrics,
      emit: events.emit.bind(events) as Events['emit'],
      engine: () => engine,
    });
    const failed = (error: RslError): void => link.failed(error);
    const host = {
      state: application.state,
      group,
      founding,
      founded: (on: Founding) => link.order({ kind: 'founded', on }),
      answer: (channel: number, answer: LayerAnswer) =>
        link.order({ kind: 'layer-answer', channel, answer }),
      fail: (error: Error) => {
        if (running === undefined) failed(asRslError(error));
        else running.fail(error);
      },
    };
    besides = await Besides.open(layers, context, host);
    application.give(besides);
    const kept = besides.isEmpty ? undefined : besides;
    await beginAt({ firstSlot, decidedThrough }, stateMachine, application.progress, kept);
    const { executedThrough } = application.progress;
    const given = { self, application, shared, limits, timings, clock, logger, counters };
    const order = (what: Order): void => link.order(what);
    const engine = new RemoteEngine({ ...given, order, failed }, executedThrough);
    running = engine;
    link.give(engine);
    await link.runs;
    const close = (): Promise<void> => closeBoth(besides, link);
    return { application, engine, store, close };
  } catch (error) {
    await closeBoth(besides, link);
    throw error;
  }
}

async function closeBoth(besides: Besides | undefined, link: EngineLink): Promise<void> {
  await besides?.close();
  await link.close();
}

function dataOf<C, R>(
  { peers = [], lease }: ReplicaOptions<C, R>,
  { limits, slow, timings }: CheckedOptions,
  { group, self, random }: PortContext,
): EngineData {
  const shared = {
    slots: ringMemory(limits.slotRingBytesMax),
    // What is staged, and as much again for what must not wait behind it.
    commands: ringMemory(2 * limits.stagedBytesMax),
    board: boardMemory(limits.membersMax),
    staged: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
  const epoch = random.below(2 ** 47);
  return { shared, group, self, limits, slow, timings, peers, lease, epoch };
}

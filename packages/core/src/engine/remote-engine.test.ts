import { expect, test } from 'vitest';
import type { RslError } from '../errors.ts';
import { LocalApplication } from '../host/local-application.ts';
import { measuresOf } from '../host/measures.ts';
import { defaultLimits, defaultSlow, defaultTimings } from '../limits.ts';
import { noOp } from '../paxos/value.ts';
import { sealBatch } from '../codec/batch.ts';
import { silentLogger } from '../ports/logger.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { MachineClock, SimClock, SimWorld } from '../testing/sim-world.ts';
import { boardMemory } from './board.ts';
import { writeSlot } from './records.ts';
import { RemoteEngine } from './remote-engine.ts';
import { ringMemory, RingWriter } from './ring.ts';
import { type Order, type Report, slotRecord } from './words.ts';

class Machine extends DigestMachine {
  onExecute: () => void = () => undefined;

  override execute(...given: Parameters<DigestMachine['execute']>): void {
    this.onExecute();
    super.execute(...given);
  }
}

function stage() {
  const world = new SimWorld();
  const clock = new SimClock(world, new MachineClock(world));
  const machine = new Machine();
  const events: string[] = [];
  const orders: Order['kind'][] = [];
  const failures: RslError[] = [];
  const sizes = { slow: defaultSlow, limits: defaultLimits, timings: defaultTimings };
  const { counters, metrics } = measuresOf(sizes, clock, silentLogger);
  const application: LocalApplication = new LocalApplication({
    self: 1,
    epoch: 7,
    limits: defaultLimits,
    skip: new Set(),
    clock,
    stateMachine: machine,
    metrics,
    emit: (event) => void events.push(event),
    engine: () => engine,
  });
  const shared = {
    slots: ringMemory(65_536),
    commands: ringMemory(65_536),
    board: boardMemory(3),
    staged: new SharedArrayBuffer(4),
  };
  const slots = new RingWriter(shared.slots, () => engine.take({ kind: 'bell' }));
  const engine: RemoteEngine = new RemoteEngine(
    {
      self: 1,
      application,
      shared,
      limits: defaultLimits,
      timings: defaultTimings,
      clock,
      logger: silentLogger,
      counters,
      order: ({ kind }) => void orders.push(kind),
      failed: (error) => void failures.push(error),
    },
    0,
  );
  const decide = (slot: number, value = noOp): boolean =>
    slots.offer(slotRecord, writeSlot({ slot, live: true, value }));
  const happened = (report: Extract<Report, { kind: 'happened' }>['happenings']): void =>
    engine.take({ kind: 'happened', happenings: report });
  return { application, clock, decide, engine, events, failures, happened, machine, orders, world };
}

const batch = sealBatch(0, { configuration: 1, round: 1, proposer: 1 }, []);

test('a state machine that fails ends the replica, and its engine with it', async () => {
  // The engine would lead on for an application that answers nobody.
  const { decide, engine, events, failures, machine, orders, world } = stage();
  machine.onExecute = () => {
    throw new Error('broken');
  };
  decide(1, batch);
  await world.run(world.nowMs + 20);
  expect(failures).toMatchObject([{ code: 'RSL_STATE_MACHINE_FAILED' }]);
  expect(engine.hasEnded).toBe(true);
  expect(orders).toEqual(['begin', 'close']);
  expect(events).toEqual(['stopped']);
});

test('slots that take long leave others their turn', async () => {
  const { application, clock, decide, machine, world } = stage();
  let turns = 0;
  machine.onExecute = () => clock.pause(10);
  for (let slot = 1; slot <= 5; slot += 1) decide(slot, batch);
  const count = (): void => {
    turns += 1;
    if (application.progress.executedThrough < 5) clock.later(1, count);
  };
  clock.later(1, count);
  await world.run(world.nowMs + 200);
  expect(application.progress.executedThrough).toBe(5);
  expect(turns).toBeGreaterThan(4);
});

test('who leads hears of it, and when it ends; after the end nobody hears of anything', () => {
  const { engine, events, happened, orders } = stage();
  const ballot = { configuration: 1, round: 1, proposer: 1 };
  happened([{ kind: 'leading', ballot }]);
  happened([{ kind: 'recovered', ballot }]);
  happened([{ kind: 'ended' }, { kind: 'following', what: { leader: 2 } }]);
  engine.end(undefined);
  happened([{ kind: 'peer', what: { id: 2, up: true } }]);
  expect(events).toEqual(['leading', 'recovered', 'following', 'stopped']);
  expect(orders.filter((kind) => kind === 'heard')).toHaveLength(4);
});

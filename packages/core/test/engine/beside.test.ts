import type { Port, Replica } from '@rsl/core';
import type { Transport } from '@rsl/core/protocol';
import { DigestMachine, MemoryDisk, memoryLog, startReplicaBeside } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, until } from '../cluster.ts';
import { lonelyTransport } from './lonely-ports.ts';

let replica: Replica | undefined;

afterEach(() => replica?.close());

const members = [{ id: 1, addresses: { memory: 'nowhere' } }];

/** Nobody is there; counts who takes part. */
function countingTransport(joined: { count: number }): Port<Transport> {
  return {
    open: async (context) => {
      const inner = await lonelyTransport().open(context);
      const open: Transport['open'] = (...given) => {
        joined.count += 1;
        return inner.open(...given);
      };
      return { address: inner.address, open, close: () => inner.close() };
    },
  };
}

/** Opens when it is let to. */
class SlowToOpen extends DigestMachine {
  letGo: () => void = () => undefined;

  open(): Promise<number> {
    return new Promise((resolve) => (this.letGo = () => resolve(0)));
  }
}

test('an engine takes part once its application takes slots, and not before', async () => {
  // What it released meanwhile would be lost between the two.
  const joined = { count: 0 };
  const stateMachine = new SlowToOpen();
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 10);
  const starting = startReplicaBeside({
    group: 'lonely',
    self: 1,
    stateMachine,
    log: memoryLog(),
    transport: countingTransport(joined),
  });
  await until('the engine has ticked for a while', () => ticks > 20);
  clearInterval(timer);
  expect(joined.count).toBe(0);
  stateMachine.letGo();
  replica = await starting;
  expect(joined.count).toBe(1);
});

/** A group of one with some decided slots, of which its log knows. */
async function decidedOn(disk: MemoryDisk) {
  // The log says soon what is decided.
  const limits = { slotsInFlightMax: 1 };
  const given = { group: 'lonely', self: 1, limits, log: memoryLog({ disk }) };
  const transport = lonelyTransport();
  const first = await startReplicaBeside({
    ...given,
    transport,
    stateMachine: new DigestMachine(),
  });
  await first.bootstrap(members);
  for (const command of ['a', 'b', 'c']) await first.propose(bytesOf(command));
  await first.close();
  return given;
}

test('an engine takes part once the log was executed, and not before', async () => {
  const given = await decidedOn(new MemoryDisk());
  const joined = { count: 0 };
  const replayed: number[] = [];
  const stateMachine = new DigestMachine(() => void replayed.push(joined.count));
  const transport = countingTransport(joined);
  replica = await startReplicaBeside({ ...given, transport, stateMachine });
  expect(replayed.length).toBeGreaterThan(0);
  expect(new Set(replayed)).toEqual(new Set([0]));
  expect(joined.count).toBe(1);
});

test('a start ends with the reason why the log cannot be executed', async () => {
  const given = { ...(await decidedOn(new MemoryDisk())), transport: lonelyTransport() };
  const stateMachine = new DigestMachine(() => {
    throw new Error('broken');
  });
  await expect(startReplicaBeside({ ...given, stateMachine })).rejects.toMatchObject({
    code: 'RSL_STATE_MACHINE_FAILED',
  });
  // Nothing stays open.
  replica = await startReplicaBeside({ ...given, stateMachine: new DigestMachine() });
  expect(replica.status().executedThrough).toBeGreaterThan(0);
});

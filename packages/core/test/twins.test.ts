import {
  failingLogStoreCases,
  fullLogStoreCases,
  fullSnapshotStoreCases,
  logStoreCases,
  snapshotStoreCases,
  transportCases,
} from '@rsl/core/conformance';
import { defaultLimits, type Limits, silentLogger, StorageError } from '@rsl/core';
import type { PortContext } from '@rsl/core/protocol';
import {
  MemoryDisk,
  MemoryNetwork,
  memoryLog,
  MemoryShelf,
  memorySnapshots,
  memoryTransport,
  SeededRandom,
} from '@rsl/core/testing';
import { describe, test } from 'vitest';
import { systemClock } from '../src/host/system-clock.ts';

const context = (self: number, limits: Partial<Limits> = {}): PortContext => ({
  group: 'kit',
  self,
  limits: { ...defaultLimits, ...limits },
  clock: systemClock,
  random: new SeededRandom(self),
  logger: silentLogger,
});

describe('the memory log', () => {
  for (const { name, run } of logStoreCases) {
    test(name, async () => {
      const disk = new MemoryDisk();
      await run(() => memoryLog({ disk }).open(context(1)));
    });
  }
  for (const { name, run } of failingLogStoreCases) {
    test(name, async () => {
      const disk = new MemoryDisk();
      await run(async () => ({
        log: await memoryLog({ disk }).open(context(1)),
        fail: () => {
          disk.failure = new StorageError('RSL_STORAGE_FAILED', 'the test says so');
        },
      }));
    });
  }
  for (const { name, run } of fullLogStoreCases) {
    test(name, async () => {
      const disk = new MemoryDisk();
      await run(async () => ({
        log: await memoryLog({ disk }).open(context(1)),
        fill: () => void (disk.isFull = true),
        free: () => void (disk.isFull = false),
      }));
    });
  }
});

describe('the memory transport', () => {
  for (const { name, run } of transportCases) {
    test(name, async () => {
      const network = new MemoryNetwork();
      let opened = 0;
      await run(async (limits) => {
        opened += 1;
        const address = `memory:${opened}`;
        const transport = await memoryTransport(network, address).open(context(opened, limits));
        return { transport, addresses: { memory: address } };
      });
    });
  }
});

describe('the memory snapshots', () => {
  for (const { name, run } of snapshotStoreCases) {
    test(name, async () => {
      const shelf = new MemoryShelf();
      await run(() => memorySnapshots(shelf).open(context(1)));
    });
  }
  for (const { name, run } of fullSnapshotStoreCases) {
    test(name, async () => {
      const shelf = new MemoryShelf();
      await run(async () => ({
        store: await memorySnapshots(shelf).open(context(1)),
        fill: () => void (shelf.bytesFree = 100_000),
        free: () => void (shelf.bytesFree = Infinity),
      }));
    });
  }
});

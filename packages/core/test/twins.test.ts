import { transportCases } from '@rsl/core/conformance';
import { defaultLimits, silentLogger } from '@rsl/core';
import { MemoryNetwork, memoryTransport, SeededRandom } from '@rsl/core/testing';
import { describe, test } from 'vitest';
import { systemClock } from '../src/host/system-clock.ts';

describe('the memory transport', () => {
  for (const { name, run } of transportCases) {
    test(name, async () => {
      const network = new MemoryNetwork();
      let opened = 0;
      await run(async (limits) => {
        opened += 1;
        const address = `memory:${opened}`;
        const transport = await memoryTransport(network, address).open({
          group: 'kit',
          self: opened,
          limits: { ...defaultLimits, ...limits },
          clock: systemClock,
          random: new SeededRandom(opened),
          logger: silentLogger,
        });
        return { transport, addresses: { memory: address } };
      });
    });
  }
});

import { clientTransportCases } from '@rsl/core/conformance';
import { test } from 'vitest';
import { tcpConnector, tcpListener } from '../src/index.ts';
import { context } from './context.ts';

for (const scene of clientTransportCases) {
  test(scene.name, { timeout: 60_000 }, () =>
    scene.run((limits) => ({
      listen: (address = '127.0.0.1:0') => tcpListener(address, limits).open(context()),
      connector: tcpConnector(limits),
    })),
  );
}

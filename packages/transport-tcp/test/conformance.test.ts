import { transportCases } from '@rsl/core/conformance';
import { test } from 'vitest';
import { tcp } from '../src/index.ts';
import { context } from './context.ts';

for (const scene of transportCases) {
  test(scene.name, { timeout: 30_000 }, () =>
    scene.run(async (limits = {}) => {
      const transport = await tcp('127.0.0.1:0').open(context({ limits }));
      return { transport, addresses: { tcp: transport.address } };
    }),
  );
}

import { vi } from 'vitest';
import { mode } from '../cluster.ts';

// Each frame of a client takes a few turns more.
vi.setConfig({ testTimeout: 30_000 });
mode.isApart = true;
await import('../clients.test.ts');

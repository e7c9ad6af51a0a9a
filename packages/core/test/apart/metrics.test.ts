import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../metrics.test.ts');

import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../regressions.test.ts');

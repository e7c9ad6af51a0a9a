import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../session-ends.test.ts');

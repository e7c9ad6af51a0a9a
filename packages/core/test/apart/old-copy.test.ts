import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../old-copy.test.ts');

import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../calls.test.ts');

import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../state-machines.test.ts');

import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../read-levels.test.ts');

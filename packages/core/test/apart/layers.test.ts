import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../layers.test.ts');

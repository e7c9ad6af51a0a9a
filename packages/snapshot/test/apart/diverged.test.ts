import { mode } from '../group.ts';

mode.isApart = true;
await import('../diverged.test.ts');

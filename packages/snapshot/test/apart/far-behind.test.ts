import { mode } from '../group.ts';

mode.isApart = true;
await import('../far-behind.test.ts');

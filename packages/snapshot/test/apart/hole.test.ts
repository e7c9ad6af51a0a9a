import { mode } from '../group.ts';

mode.isApart = true;
await import('../hole.test.ts');

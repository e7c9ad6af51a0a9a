import { mode } from '../group.ts';

mode.isApart = true;
await import('../stories.test.ts');

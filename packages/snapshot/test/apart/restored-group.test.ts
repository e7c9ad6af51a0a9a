import { mode } from '../group.ts';

mode.isApart = true;
await import('../restored-group.test.ts');

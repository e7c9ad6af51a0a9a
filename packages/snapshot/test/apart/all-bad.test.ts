import { mode } from '../group.ts';

mode.isApart = true;
await import('../all-bad.test.ts');

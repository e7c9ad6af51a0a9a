import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../leadership.test.ts');

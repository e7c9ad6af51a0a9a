import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../sessions.test.ts');

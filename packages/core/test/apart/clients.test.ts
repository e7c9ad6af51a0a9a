import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../clients.test.ts');

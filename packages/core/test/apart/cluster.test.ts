import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../cluster.test.ts');

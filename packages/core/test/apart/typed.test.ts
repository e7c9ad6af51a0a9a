import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../typed.test.ts');

import { mode } from '../cluster.ts';

mode.isApart = true;
await import('../skipped-slot.test.ts');

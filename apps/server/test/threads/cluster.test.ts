import { mode } from '../cluster.ts';

mode.isolation = 'thread';
await import('../cluster.test.ts');

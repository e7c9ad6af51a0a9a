import { mode } from '../cluster.ts';

mode.isolation = 'thread';
await import('../expiry.test.ts');

import type { SeededRandom } from './seeded-random.ts';

/** Every kind of fault, and what it does. */
export const faultKinds = {
  loss: 'a frame never arrives',
  twice: 'a frame arrives twice',
  late: 'a frame arrives up to 1.5 s late, and so out of order',
  heavyTail: 'few frames take a hundred times as long as most',
  slowLink: 'everything between two replicas takes up to 0.4 s longer for a while',
  cut: 'a replica cannot talk with most others for a while',
  oneWay: 'a replica is not heard, or does not hear, for a while',
  split: 'the replicas fall into two groups for a while',
  flap: 'a replica is cut off and back many times in a row',
  broken: 'a connection breaks, with every frame that is on its way in it',
  clientBroken: 'the connections of clients with a replica break, with what is on its way in them',
  crash: 'a process is gone and comes back',
  power: 'all processes are gone at once',
  midTurn: 'a process is gone between two effects of a turn',
  reveal: 'a process is gone right after a 1a, 1b, 2b or grant of it has left',
  succession: 'a leader is cut off, its heir dies as soon as it leads, the old one comes back',
  restart: 'a replica is closed and started again',
  pause: 'everything in a process waits',
  block: 'a state machine blocks its process',
  clockRate: 'a clock changes its speed',
  clockJump: 'a machine is suspended, or a clock jumps ahead, or its calendar either way',
  slowDisk: 'a write takes up to 0.8 s',
  stall: 'a disk stands still for up to 3 s',
  writeFailure: 'a write fails; of what was being written any first part is there',
  full: 'every write fails until somebody makes room',
  lowRoom: 'a medium has little room left for a while',
  readError: 'what is stored cannot be read for a while',
  damage: 'a vote has lost its value when the replica is started again (S3)',
  wipe: 'a medium is lost for good',
  oldCopy: 'a medium is put back to an older copy',
  shelfRot: 'a snapshot has a byte that is another one',
  shelfLost: 'every snapshot of a replica has, while its log is cut',
  shelfFull: 'nothing more fits on a shelf for a while, after so many bytes',
  shelfFailure: 'what is written to a shelf, made durable or removed there fails for a while',
  shelfReadError: 'what is on a shelf cannot be read for a while',
  midSave: 'a process is gone while a snapshot gets its name',
  shelfStall: 'a shelf stands still for up to 5 s',
  slowShelf: 'what is read or written on a shelf takes up to 0.3 s longer',
} as const;

/** The name of each kind of fault. */
export type FaultKind = keyof typeof faultKinds;

/** 0: never. 1 to 3: rarely to often. */
export type FaultLevel = 0 | 1 | 2 | 3;

/** How hard each kind of fault is, in one seed. */
export type Mix = Readonly<Record<FaultKind, FaultLevel>>;

/** These take away what was durable: how many members may lose something is accounted for. */
const lossyKinds: readonly FaultKind[] = ['damage', 'wipe', 'oldCopy'];

export const isLossy = (mix: Mix): boolean => lossyKinds.some((kind) => mix[kind] > 0);

/** Frames meet these one by one; every other kind is an event of its own. */
export const frameKinds: readonly FaultKind[] = ['loss', 'twice', 'late', 'heavyTail'];

/** Shelves have snapshots on them, where there is a layer that keeps some. */
export const shelfKinds: readonly FaultKind[] = [
  'shelfRot',
  'shelfLost',
  'shelfFull',
  'shelfFailure',
  'shelfReadError',
  'midSave',
  'shelfStall',
  'slowShelf',
];

/** Only where they are asked for. */
const undrawnKinds: readonly FaultKind[] = [];

const kinds = Object.keys(faultKinds) as FaultKind[];

export const calmMix: Mix = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Mix;

/** Swarm testing: many kinds are off in one seed, so that the others get far. */
export function drawnMix(random: SeededRandom): Mix {
  const onPercent = random.pick([15, 30, 30, 60]);
  const level = (): FaultLevel => (random.chance(onPercent) ? random.pick([1, 1, 2, 3]) : 0);
  const drawn = kinds.filter((kind) => !undrawnKinds.includes(kind));
  const levels = drawn.map((kind) => [kind, level()]);
  const mix = { ...calmMix, ...Object.fromEntries(levels) } as Mix;
  // Single frames do not count, what takes away data happens but a few times, and shelves may be
  // empty.
  const rare = [...frameKinds, ...lossyKinds, ...shelfKinds];
  const hasEvents = kinds.some((kind) => mix[kind] > 0 && !rare.includes(kind));
  return hasEvents ? mix : { ...mix, crash: 2 };
}

import type { SeededRandom } from '@rsl/core/testing';

export type FaultKind =
  | 'kill'
  | 'stop'
  | 'terminate'
  | 'cut'
  | 'cut-peers'
  | 'cut-in'
  | 'cut-out'
  | 'cut-pair';

/** What happens to these replicas (from 0) for a while. */
export interface Fault {
  readonly kind: FaultKind;
  readonly replicas: readonly number[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Only where hosts have networks of their own. */
export const isCut = ({ kind }: Fault): boolean => kind.startsWith('cut');

const kinds: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'stop',
  'stop',
  'terminate',
  'cut',
  'cut-peers',
  'cut-in',
  'cut-out',
  'cut-pair',
];

const firstFaultMs = 500;
const pauseMsMax = 2_500;
const durationMsMin = 50;
const durationMsMax = 3_500;
const allPercent = 12;
const severalPercent = 30;

export interface ScheduleOptions {
  readonly replicas: number;
  readonly milliseconds: number;
}

/**
 * All faults of a run, from the seed alone. They overlap: while one replica is down, another may be
 * stopped, and both cut off from the third. No fault takes what is on a disk.
 */
export function drawSchedule(random: SeededRandom, options: ScheduleOptions): Fault[] {
  const { replicas, milliseconds } = options;
  const faults: Fault[] = [];
  let atMs = firstFaultMs;
  while (atMs < milliseconds) {
    const kind = random.pick(kinds);
    const duration = durationMsMin + random.below(durationMsMax - durationMsMin);
    faults.push({
      kind,
      replicas: drawReplicas(random, replicas, kind),
      fromMs: atMs,
      untilMs: Math.min(milliseconds, atMs + duration),
    });
    atMs += random.below(pauseMsMax);
  }
  return faults;
}

function drawReplicas(random: SeededRandom, count: number, kind: FaultKind): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (kind === 'cut-pair') return shuffled(random, all).slice(0, 2);
  const canBeAll = kind === 'cut' || !kind.startsWith('cut');
  if (canBeAll && random.chance(allPercent)) return all;
  const several = random.chance(severalPercent) ? 1 + random.below(count - 1) : 1;
  return shuffled(random, all).slice(0, several);
}

function shuffled(random: SeededRandom, from: readonly number[]): number[] {
  const left = [...from];
  return from.map(() => left.splice(random.below(left.length), 1)[0] ?? 0);
}

export interface Faulty {
  begin(fault: Fault): void;
  end(fault: Fault): void;
}

/** Performs the schedule from now on. */
export async function performSchedule(
  faults: readonly Fault[],
  group: Faulty,
  waitUntil: (atMs: number) => Promise<void>,
): Promise<void> {
  const events = faults.flatMap((fault) => [
    { atMs: fault.fromMs, perform: () => group.begin(fault) },
    { atMs: fault.untilMs, perform: () => group.end(fault) },
  ]);
  for (const { atMs, perform } of events.toSorted((a, b) => a.atMs - b.atMs)) {
    await waitUntil(atMs);
    perform();
  }
}

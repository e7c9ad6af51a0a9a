import { crc32 } from 'node:zlib';
import { frameKinds, type SimulationReport } from '@rsl/core/testing';
import type { Outcome } from './seed.ts';

export interface Spread {
  readonly min: number;
  readonly median: number;
}

const happenings = ['saves', 'cuts', 'fetches', 'installs', 'loads', 'condemned'] as const;
type Happening = (typeof happenings)[number];

/** What many seeds were worth together. */
export interface Summary {
  readonly seeds: number;
  readonly beyond: number;
  readonly simulatedSeconds: number;
  readonly commands: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly denied: number;
  readonly reads: number;
  readonly retried: number;
  /** How often a replica was found asleep. */
  readonly sleepers: number;
  readonly frames: number;
  readonly operations: number;
  readonly unjudged: number;
  /** Of each seed within what a group bears. */
  readonly secondsPerSeed: Spread;
  readonly commandsPerSeed: Spread;
  readonly faultsPerSeed: Spread;
  readonly faults: Readonly<Record<string, number>>;
  /** Of each seed within what a group bears: what became of snapshots, and what they met. */
  readonly snapshots: Readonly<Record<Happening, Spread & { readonly without: number }>>;
  readonly met: Readonly<Record<string, number>>;
  /** Of the seeds in their order. */
  readonly traceHash: string;
}

/** All of these have a report. */
export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const inOrder = [...outcomes].sort((a, b) => a.case.seed - b.case.seed);
  const reports = inOrder.flatMap(({ report }) => (report === undefined ? [] : [report]));
  const borne = reports.filter(({ beyond }) => !beyond);
  let hash = 0;
  for (const report of reports) hash = crc32(report.traceHash, hash);
  return {
    seeds: reports.length,
    beyond: reports.length - borne.length,
    simulatedSeconds: Math.round(sum(reports.map((r) => r.simulatedMs)) / 1_000),
    commands: sum(reports.map((r) => r.executed)),
    acknowledged: sum(reports.map((r) => r.acknowledged)),
    unknown: sum(reports.map((r) => r.unknown)),
    denied: sum(reports.map((r) => r.denied)),
    reads: sum(reports.map((r) => r.reads)),
    retried: sum(reports.map((r) => r.retried)),
    sleepers: sum(reports.map((r) => r.sleepers)),
    frames: sum(reports.map((r) => r.frames)),
    operations: sum(outcomes.map((o) => o.operations)),
    unjudged: sum(outcomes.map((o) => o.unjudged)),
    secondsPerSeed: spreadOf(borne.map((r) => Math.floor(r.simulatedMs / 1_000))),
    commandsPerSeed: spreadOf(borne.map((r) => r.executed)),
    faultsPerSeed: spreadOf(borne.map((r) => eventsIn(r.faults))),
    faults: added(reports.map((r) => r.faults)),
    snapshots: snapshotsIn(borne),
    met: added(reports.map((r) => r.snapshots.met)),
    traceHash: hash.toString(16).padStart(8, '0'),
  };
}

function snapshotsIn(reports: readonly SimulationReport[]): Summary['snapshots'] {
  const spreads = happenings.map((what) => {
    const counts = reports.map(({ snapshots }) => snapshots[what]);
    const without = counts.filter((count) => count === 0).length;
    return [what, { ...spreadOf(counts), without }] as const;
  });
  return Object.fromEntries(spreads) as Summary['snapshots'];
}

/** By their names, in order. */
function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const each of counts) {
    for (const [name, count] of Object.entries(each)) all[name] = (all[name] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => a.localeCompare(b)));
}

/** Faults that are events of their own, not those of single frames. */
function eventsIn(faults: Readonly<Record<string, number>>): number {
  const events = Object.entries(faults).filter(([kind]) => !frameKinds.some((f) => f === kind));
  return sum(events.map(([, count]) => count));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function spreadOf(numbers: readonly number[]): Spread {
  const inOrder = [...numbers].sort((a, b) => a - b);
  return { min: inOrder[0] ?? 0, median: inOrder[Math.floor(inOrder.length / 2)] ?? 0 };
}

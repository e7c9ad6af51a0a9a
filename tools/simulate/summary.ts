import { crc32 } from 'node:zlib';
import { frameKinds } from '@rsl/core/testing';
import type { Outcome } from './seed.ts';

export interface Spread {
  readonly min: number;
  readonly median: number;
}

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
  /** Of the seeds in their order. */
  readonly traceHash: string;
}

/** All of these have a report. */
export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const inOrder = [...outcomes].sort((a, b) => a.case.seed - b.case.seed);
  const reports = inOrder.flatMap(({ report }) => (report === undefined ? [] : [report]));
  const borne = reports.filter(({ beyond }) => !beyond);
  const faults: Record<string, number> = {};
  let hash = 0;
  for (const report of reports) {
    hash = crc32(report.traceHash, hash);
    for (const [kind, count] of Object.entries(report.faults)) {
      faults[kind] = (faults[kind] ?? 0) + count;
    }
  }
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
    faults: Object.fromEntries(Object.entries(faults).sort(([a], [b]) => a.localeCompare(b))),
    traceHash: hash.toString(16).padStart(8, '0'),
  };
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

import type { SnapshotCounts } from './shelf-watch.ts';

/** What a seed was worth. */
export interface SimulationReport {
  readonly seed: number;
  readonly simulatedMs: number;
  /** Events of the simulated world. */
  readonly steps: number;
  /** How often faults came and went. */
  readonly rounds: number;
  /** More may have been lost than a group bears: only safety was demanded. */
  readonly beyond: boolean;
  readonly slots: number;
  readonly executed: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly denied: number;
  readonly reads: number;
  /** Commands of sessions that were answered after they had been sent more than once. */
  readonly retried: number;
  /** How often a replica was found asleep. */
  readonly sleepers: number;
  readonly frames: number;
  readonly faults: Readonly<Record<string, number>>;
  /** All 0 where no layer keeps any. */
  readonly snapshots: SnapshotCounts;
  /** Of every frame, execution and fault, in order: equal on every machine and build. */
  readonly traceHash: string;
}

/** What a seed was worth. */
export interface SimulationReport {
  readonly seed: number;
  readonly simulatedMs: number;
  readonly slots: number;
  readonly executed: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly denied: number;
  readonly reads: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Of every frame and every execution, in order: equal on every machine and build. */
  readonly traceHash: string;
}

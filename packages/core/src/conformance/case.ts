/**
 * A conformance kit is data: cases that need no test runner, so that the same ones run under any
 * runner and, from a command line, on a machine with the real device.
 */
export interface ConformanceCase<Open> {
  readonly name: string;
  /** Rejects with an assertion error if the implementation breaks its contract. */
  run(this: void, open: Open): Promise<void>;
}

import type { ManyResults } from '../api.ts';
import type { RslError } from '../errors.ts';
import type { Logger } from '../ports/logger.ts';

/** Measures when some of the commands of a call are answered. */
export interface Sample {
  answered(i: number): void;
}

/** What a result handler throws is logged; it is the caller's, and changes nothing. */
export class GuardedResults implements ManyResults {
  readonly #results: ManyResults;
  readonly #sample: Sample | undefined;
  readonly #logger: Logger;

  constructor(results: ManyResults, sample: Sample | undefined, logger: Logger) {
    this.#results = results;
    this.#sample = sample;
    this.#logger = logger;
  }

  result(i: number, result: Uint8Array): void {
    this.#sample?.answered(i);
    try {
      this.#results.result(i, result);
    } catch (error) {
      this.#threw(error);
    }
  }

  error(i: number, error: RslError): void {
    try {
      this.#results.error(i, error);
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  #threw(error: unknown): void {
    this.#logger.error({ err: error }, 'a result handler threw');
  }
}

/** What a lane asks of its process, and what that answers. */

/** With contracts, or as what is published. */
export type Build = 'contracts' | 'plain';

export interface Question {
  readonly build: Build;
  /** A test file of the copy. */
  readonly file: string;
  /** Sources that are not what they were at the last question. */
  readonly changed: readonly string[];
}

export interface Failure {
  /** Undefined if the file does not even load. */
  readonly test: string | undefined;
  readonly message: string;
  /** The first contract that did not hold in that test. */
  readonly contract: string | undefined;
}

export interface Answer {
  readonly passed: number;
  readonly failure: Failure | undefined;
}

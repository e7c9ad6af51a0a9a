import { RslError } from './errors.ts';

/**
 * What a command may not do, said by the `execute` of a typed machine. Thrown there it is no fault:
 * it becomes the command's result, on every replica, and `propose` rejects with a
 * CommandFailedError. What the command had changed before stays changed; so check first, then
 * change.
 */
export class ApplicationError extends Error {
  override readonly name = 'ApplicationError';
  /** The application's own, for programs: `insufficient-funds`. */
  readonly code: string;
  /** Plain data, as the machine's codec encodes it. */
  readonly data: unknown;

  constructor(code: string, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** The command was executed, once and everywhere, and this is its result: an ApplicationError. */
export class CommandFailedError extends RslError {
  override readonly name = 'CommandFailedError';
  /** `code` and `data` of the ApplicationError. */
  readonly applicationCode: string;
  readonly data: unknown;

  constructor(applicationCode: string, message: string, data: unknown) {
    super('RSL_APPLICATION', 'executed', message);
    this.applicationCode = applicationCode;
    this.data = data;
  }
}

export class StateMachineFailedError extends RslError {
  override readonly name = 'StateMachineFailedError';
  readonly slot: number;
  constructor(slot: number, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      'RSL_STATE_MACHINE_FAILED',
      'unknown',
      `the state machine failed at slot ${slot}: ${what}. It does so again at every start. Mend ` +
        'it; or, if no replica has executed that slot, start every one of them with ' +
        `skip: [${slot}] (rsl-server: --skip-slot ${slot}) as docs/operations.md says`,
      { cause },
    );
    this.slot = slot;
  }
}

/** What the state machine holds now is not known: only another start tells. */
export class LoadFailedError extends RslError {
  override readonly name = 'LoadFailedError';
  /** Of the image that was being loaded. */
  readonly slot: number;
  constructor(slot: number, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      'RSL_LOAD_FAILED',
      'unknown',
      `the state machine could not load the state after slot ${slot}: ${what}. Its state is not ` +
        'known; mend what the message says, and start the replica again',
      { cause },
    );
    this.slot = slot;
  }
}

export class SlotSkippedError extends RslError {
  override readonly name = 'SlotSkippedError';
  readonly slot: number;
  constructor(slot: number) {
    super(
      'RSL_SLOT_SKIPPED',
      'not-executed',
      `the command is in slot ${slot}, which this replica was told to skip: nobody executes it`,
    );
    this.slot = slot;
  }
}

/** Members have made different states of the same slots (P7). */
export class DivergedError extends RslError {
  override readonly name = 'DivergedError';
  /** After which the states were compared. */
  readonly slot: number;
  /** Replicas that have another state than this one. */
  readonly others: readonly number[];

  constructor(slot: number, verdict: 'here' | 'elsewhere' | 'unknown', others: readonly number[]) {
    const whose = {
      here: 'this replica has another state than a quorum',
      elsewhere: `replicas ${others.join(', ')} have another state than a quorum`,
      unknown: `replicas ${others.join(', ')} have another state than this one`,
    }[verdict];
    super('RSL_DIVERGED', 'unknown', `after slot ${slot} ${whose}`);
    this.slot = slot;
    this.others = others;
  }
}

import { errorCodes, type Outcome, type RslErrorCode } from './error-codes.ts';

export { errorCodes, type Outcome, type RslErrorCode };

/**
 * The base of every error of these packages. `code` never changes once released; `outcome` answers
 * the one question that every caller has after a failure. Messages say what to do next.
 */
export class RslError extends Error {
  override readonly name: string = 'RslError';
  readonly code: RslErrorCode;
  readonly outcome: Outcome;

  constructor(code: RslErrorCode, outcome: Outcome, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.outcome = outcome;
  }
}

export class NotLeaderError extends RslError {
  override readonly name = 'NotLeaderError';
  constructor(message: string, options?: ErrorOptions) {
    super('RSL_NOT_LEADER', 'not-executed', message, options);
  }
}

export class OverloadedError extends RslError {
  override readonly name = 'OverloadedError';
  /** The limit that was reached, as in `Limits`. */
  readonly limit: string;
  constructor(limit: string, message: string) {
    super('RSL_OVERLOADED', 'not-executed', message);
    this.limit = limit;
  }
}

export class OutcomeUnknownError extends RslError {
  override readonly name = 'OutcomeUnknownError';
  constructor(message: string, options?: ErrorOptions) {
    super('RSL_OUTCOME_UNKNOWN', 'unknown', message, options);
  }
}

export class AbortedError extends RslError {
  override readonly name = 'AbortedError';
  constructor(reason: unknown) {
    super('RSL_ABORTED', 'not-executed', 'aborted by the caller before it was proposed', {
      cause: reason,
    });
  }
}

export class SlotNotReachedError extends RslError {
  override readonly name = 'SlotNotReachedError';
  readonly slot: number;
  constructor(slot: number) {
    const why = 'was not executed here before the deadline; wait longer, or read elsewhere';
    super('RSL_SLOT_NOT_REACHED', 'none', `slot ${slot} ${why}`);
    this.slot = slot;
  }
}

export class ClosedError extends RslError {
  override readonly name = 'ClosedError';
  constructor(message: string, options?: ErrorOptions) {
    super('RSL_CLOSED', 'not-executed', message, options);
  }
}

export class CommandTooLargeError extends RslError {
  override readonly name = 'CommandTooLargeError';
  constructor(bytes: number, bytesMax: number) {
    super(
      'RSL_COMMAND_TOO_LARGE',
      'not-executed',
      `a command of ${bytes} bytes is larger than commandBytesMax, ${bytesMax} bytes`,
    );
  }
}

export class BootstrapError extends RslError {
  override readonly name = 'BootstrapError';
  constructor(code: 'RSL_ALREADY_FORMED' | 'RSL_BOOTSTRAP_INCOMPLETE', message: string) {
    super(code, 'none', message);
  }
}

export class LogTruncatedError extends RslError {
  override readonly name = 'LogTruncatedError';
  readonly firstSlot: number;
  constructor(slot: number, firstSlot: number) {
    super(
      'RSL_LOG_TRUNCATED',
      'none',
      `slot ${slot} is below the first slot that the log keeps, ${firstSlot}`,
    );
    this.firstSlot = firstSlot;
  }
}

export class CorruptionError extends RslError {
  override readonly name = 'CorruptionError';
  readonly file: string;
  /** Byte offset in `file`. */
  readonly offset: number;
  constructor(file: string, offset: number, what: string) {
    super(
      'RSL_LOG_CORRUPT',
      'none',
      `${file}, byte ${offset}: ${what}; keep the file; replace this member or restore the file`,
    );
    this.file = file;
    this.offset = offset;
  }
}

/** Errors of a medium that have nothing to add but their code, message and cause. */
export class StorageError extends RslError {
  override readonly name = 'StorageError';
  constructor(
    code:
      | 'RSL_STORAGE_FAILED'
      | 'RSL_STORAGE_FULL'
      | 'RSL_STORAGE_LOCKED'
      | 'RSL_STORAGE_UNUSABLE'
      | 'RSL_WRONG_STORE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, errorCodes[code].outcome, message, options);
  }
}

export class OldCopyError extends RslError {
  override readonly name = 'OldCopyError';
  constructor(position: number, remembered: number) {
    super(
      'RSL_OLD_COPY',
      'none',
      `this store is at position ${position}, and was at ${remembered} once: it is an older ` +
        'copy. It has a new store id now; start it again, it takes part without a vote',
    );
  }
}

export class FrameError extends RslError {
  override readonly name = 'FrameError';
  constructor(message: string) {
    super('RSL_FRAME_INVALID', 'none', message);
  }
}

export class PeerRefusedError extends RslError {
  override readonly name = 'PeerRefusedError';
  constructor(message: string) {
    super('RSL_PEER_REFUSED', 'none', message);
  }
}

export class ListenError extends RslError {
  override readonly name = 'ListenError';
  constructor(address: string, cause: unknown) {
    super('RSL_LISTEN_FAILED', 'none', `cannot listen on ${address}: ${String(cause)}`, { cause });
  }
}

export class DeviceUnavailableError extends RslError {
  override readonly name = 'DeviceUnavailableError';
  constructor(message: string, options?: ErrorOptions) {
    super('RSL_DEVICE_UNAVAILABLE', 'none', message, options);
  }
}

export class InvalidOptionError extends RslError {
  override readonly name = 'InvalidOptionError';
  readonly option: string;
  constructor(option: string, message: string) {
    super('RSL_INVALID_OPTION', 'not-executed', `${option}: ${message}`);
    this.option = option;
  }
}

import { RslError } from './errors.ts';

export class SessionExpiredError extends RslError {
  override readonly name = 'SessionExpiredError';
  constructor(message: string) {
    super('RSL_SESSION_EXPIRED', 'unknown', message);
  }
}

export class ResultGoneError extends RslError {
  override readonly name = 'ResultGoneError';
  constructor(message: string) {
    super('RSL_RESULT_GONE', 'executed', message);
  }
}

export class QueryFailedError extends RslError {
  override readonly name = 'QueryFailedError';
  constructor(message: string, options?: ErrorOptions) {
    super('RSL_QUERY_FAILED', 'none', message, options);
  }
}

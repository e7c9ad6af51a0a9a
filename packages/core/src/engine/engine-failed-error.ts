import { RslError } from '../errors.ts';

/** The engine's thread has ended by itself. */
export class EngineFailedError extends RslError {
  override readonly name = 'EngineFailedError';
  constructor(cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    const why = 'start the replica again; if it stays, look at the cause';
    super('RSL_ENGINE_FAILED', 'unknown', `the engine's thread failed: ${what}; ${why}`, { cause });
  }
}

import { FrameError, RslError } from '../errors.ts';

/** A FrameError here would be our own doing: frames are checked before they become inputs. */
export function asRslError(error: unknown): RslError {
  if (error instanceof RslError && !(error instanceof FrameError)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  const isContract = code === 'RSL_CONTRACT_VIOLATION';
  return new RslError(isContract ? code : 'RSL_INTERNAL', 'unknown', message, { cause: error });
}

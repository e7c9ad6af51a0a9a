import { NotLeaderError, OutcomeUnknownError, OverloadedError, type RslError } from '../errors.ts';

const readBack = 'read back what it would have changed before sending it again';

/** Of a command that was not answered before its deadline. */
export function late(wasSent: boolean, cause: Error | undefined): RslError {
  const options = cause === undefined ? undefined : { cause };
  if (!wasSent) {
    const why = 'no leader took the command before its deadline; try again';
    return new NotLeaderError(why, options);
  }
  const why = 'the deadline passed after the command was proposed; it may still execute: ';
  return new OutcomeUnknownError(why + readBack, options);
}

/** Of a command that another replica's state may have in it, which was taken over here. */
export const passedOver = (): RslError =>
  new OutcomeUnknownError(
    'this replica was far behind and took another one’s state; whether the command is in it is ' +
      `not known here: ${readBack}`,
  );

export const overloaded = (limit: string, max: number): OverloadedError =>
  new OverloadedError(limit, `as much as ${limit}, ${max}, is waiting; slow down and try again`);

import { inspect } from 'node:util';
import { errorCodes, type Outcome, RslError, type RslErrorCode } from '../errors.ts';

/** An error as plain data: structured cloning would lose its code and its class. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Undefined: none of these packages'. */
  readonly outcome: Outcome | undefined;
  /** Its own fields, its code among them, as far as they are plain. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly cause: PortableError | undefined;
}

/** Causes of causes end somewhere, also where they go round in a circle. */
const causesMax = 4;

export function portable(error: unknown, causesLeft = causesMax): PortableError {
  if (!(error instanceof Error)) {
    const message = typeof error === 'string' ? error : inspect(error);
    const nothing = { stack: undefined, outcome: undefined, cause: undefined, fields: {} };
    return { name: 'Error', message, ...nothing };
  }
  const { name, message, stack, cause } = error;
  const plain = Object.entries(error).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return {
    name,
    message,
    stack,
    outcome: error instanceof RslError ? error.outcome : undefined,
    fields: Object.fromEntries(plain) as PortableError['fields'],
    cause: cause === undefined || causesLeft === 0 ? undefined : portable(cause, causesLeft - 1),
  };
}

/** The error again: same code, outcome, message, name and fields; of its classes only RslError. */
export function revived({ name, message, stack, outcome, fields, cause }: PortableError): Error {
  const options = cause === undefined ? undefined : { cause: revived(cause) };
  const code = fields['code'];
  const isOurs = outcome !== undefined && typeof code === 'string' && code in errorCodes;
  const error = isOurs
    ? new RslError(code as RslErrorCode, outcome, message, options)
    : new Error(message, options);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, { ...fields, name });
}

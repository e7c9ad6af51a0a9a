/**
 * Where a replica says what happens to it. pino fits. On the path of commands only to warn that
 * something is slow, at most three times a second.
 */
export interface Logger {
  /** What only whoever looks for a fault wants to know. */
  debug(fields: object, message: string): void;
  /** What happens in a life: once in a while. */
  info(fields: object, message: string): void;
  /** What works, and should not be so. */
  warn(fields: object, message: string): void;
  /** What somebody has to look at; the error is in `fields.err` if there is one. */
  error(fields: object, message: string): void;
}

/** Says nothing: what is used unless another is given. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

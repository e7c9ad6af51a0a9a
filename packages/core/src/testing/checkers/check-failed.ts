/** What a failure is worth: something wrong was done, nothing was done, or a contract broke. */
export type FailureKind = 'safety' | 'liveness' | 'contract';

/** Something that must never happen has happened. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export function check(holds: boolean, what: () => string): void {
  if (!holds) throw new CheckFailed('safety', what());
}

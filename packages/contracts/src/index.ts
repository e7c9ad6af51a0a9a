/**
 * Contracts: what our code guarantees to itself. On in tests and in the development build,
 * gone from production. What we demand of the world (a checksum, an option, a frame's
 * length) is a guard and never a contract.
 *
 * This package is source only and inlined into every other one: only then does the bundler
 * remove the calls together with their predicates. `instanceof` is therefore not reliable
 * across packages; the code RSL_CONTRACT_VIOLATION is.
 */

export type ContractKind = 'requires' | 'ensures' | 'invariant';

/** For a block of checks that is more than one predicate: `if (CONTRACTS) { … }`. */
export const contractsEnabled: boolean = CONTRACTS;

export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
  readonly code = 'RSL_CONTRACT_VIOLATION';
  readonly kind: ContractKind;

  constructor(kind: ContractKind, holds: () => boolean, note?: string) {
    super(`${kind}: ${note === undefined ? '' : `${note}: `}${sourceOf(holds)}`);
    this.kind = kind;
  }
}

/** What must be true on entry. */
export function requires(holds: () => boolean, note?: string): void {
  if (CONTRACTS) check('requires', holds, note);
}

/** What is true on return. */
export function ensures(holds: () => boolean, note?: string): void {
  if (CONTRACTS) check('ensures', holds, note);
}

/** What is true at every point where nobody is in the middle of a change. */
export function invariant(holds: () => boolean, note?: string): void {
  if (CONTRACTS) check('invariant', holds, note);
}

/** The value of an expression on entry, for `ensures`. Undefined in production. */
export function old<T>(expression: () => T): T {
  if (CONTRACTS) return expression();
  return undefined as T;
}

function check(kind: ContractKind, holds: () => boolean, note: string | undefined): void {
  if (!holds()) throw new ContractViolation(kind, holds, note);
}

/** The predicate as it was written, without its arrow: `slot >= this.firstSlot`. */
function sourceOf(holds: () => boolean): string {
  return holds
    .toString()
    .replace(/^\(\)\s*=>\s*/, '')
    .replace(/\s+/g, ' ');
}

/**
 * Contracts: what our code guarantees to itself. On in tests and in the development build,
 * gone from production. What we demand of the world (a checksum, an option, a frame's
 * length) is a guard and never a contract.
 *
 * Each has a sentence that begins with its id, such as `2a-3 a vote raises the promise (P1)`:
 * what a failure prints and what docs/contracts.md lists.
 *
 * This package is source only and inlined into every other one: only then does the bundler
 * remove the calls together with their predicates. `instanceof` is therefore not reliable
 * across packages; the code RSL_CONTRACT_VIOLATION is.
 *
 * @module @rsl/contracts
 */

/** When a contract speaks: on entry, on return, or between changes. */
export type ContractKind = 'requires' | 'ensures' | 'invariant';

/** For a block of checks that is more than one predicate: `if (CONTRACTS) { … }`. */
export const contractsEnabled: boolean = CONTRACTS;

/** A contract does not hold: a bug in these packages, not in what they were given. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
  readonly code = 'RSL_CONTRACT_VIOLATION';
  readonly kind: ContractKind;
  /** The sentence, id first. */
  readonly contract: string;

  constructor(kind: ContractKind, contract: string, holds: (...of: never[]) => boolean) {
    super(`${kind}: ${contract}: ${sourceOf(holds)}`);
    this.kind = kind;
    this.contract = contract;
  }
}

/** A promise about `T`, with the case that it speaks of where it does not speak of all. */
export type Clause<T> =
  | ((of: T) => boolean)
  | {
      /** The case that it speaks of. */
      readonly when: (of: T) => boolean;
      /** What is true then. */
      readonly holds: (of: T) => boolean;
    };

/** Promises about one function or state, each under its sentence. */
export type Clauses<T> = Readonly<Record<string, Clause<T>>>;

/** What must be true on entry; with `when`, only then. */
export function requires(holds: () => boolean, contract: string, when?: () => boolean): void {
  if (CONTRACTS) check('requires', holds, contract, when);
}

/** What is true on return; with `when`, only then. */
export function ensures(holds: () => boolean, contract: string, when?: () => boolean): void {
  if (CONTRACTS) check('ensures', holds, contract, when);
}

/** What is true at every point where nobody is in the middle of a change. */
export function invariant(holds: () => boolean, contract: string, when?: () => boolean): void {
  if (CONTRACTS) check('invariant', holds, contract, when);
}

/** Every clause of a table, on return. `of` makes what they speak of: old state, new state. */
export function ensuresAll<T>(clauses: Clauses<T>, of: () => T): void {
  if (CONTRACTS) checkAll('ensures', clauses, of());
}

/** Every clause of a table, where nobody is in the middle of a change. */
export function invariantAll<T>(clauses: Clauses<T>, of: () => T): void {
  if (CONTRACTS) checkAll('invariant', clauses, of());
}

/** The value of an expression on entry, for `ensures`. Undefined in production. */
export function old<T>(expression: () => T): T {
  if (CONTRACTS) return expression();
  return undefined as T;
}

/** True if the clause has nothing to say here, or says what is true. For tests of tables. */
export function clauseHolds<T>(clause: Clause<T>, of: T): boolean {
  if (typeof clause === 'function') return clause(of);
  return !clause.when(of) || clause.holds(of);
}

/** Hears of every check: whether the contract spoke of the case at hand. For tools only. */
export type ContractListener = (contract: string, spoke: boolean) => void;

interface Listening {
  rslContractListener?: ContractListener | undefined;
}

function checkAll<T>(kind: ContractKind, clauses: Clauses<T>, of: T): void {
  for (const contract in clauses) {
    const clause = clauses[contract] as Clause<T>;
    if (typeof clause === 'function') check(kind, () => clause(of), contract, undefined, clause);
    else
      check(
        kind,
        () => clause.holds(of),
        contract,
        () => clause.when(of),
        clause.holds,
      );
  }
}

function check(
  kind: ContractKind,
  holds: () => boolean,
  contract: string,
  when: (() => boolean) | undefined,
  source: (...of: never[]) => boolean = holds,
): void {
  const spoke = when === undefined || when();
  (globalThis as Listening).rslContractListener?.(contract, spoke);
  if (spoke && !holds()) throw new ContractViolation(kind, contract, source);
}

/** The predicate as it was written, without its arrow: `slot >= this.firstSlot`. */
function sourceOf(holds: (...of: never[]) => boolean): string {
  return holds
    .toString()
    .replace(/^\([^)]*\)\s*=>\s*/, '')
    .replace(/\s+/g, ' ');
}

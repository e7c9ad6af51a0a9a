/** Which contract was the first to report a mutant, from what the run of the mutants wrote. */
import { existsSync, readFileSync } from 'node:fs';

/** One line of the results, as far as it matters here. */
export interface MutantResult {
  readonly mutant: string;
  /** The sentence of the contract that reported it before anything else. */
  readonly contract: string | null;
}

/** Names of mutants by the id of the contract. Empty if no mutants have been run. */
export function reportedMutants(file: string): ReadonlyMap<string, readonly string[]> {
  if (!existsSync(file)) return new Map();
  return byContract(JSON.parse(readFileSync(file, 'utf8')) as readonly MutantResult[]);
}

export function byContract(
  results: readonly MutantResult[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { contract, mutant } of results) {
    const id = contract?.split(' ', 1)[0];
    if (id !== undefined) found.set(id, [...(found.get(id) ?? []), mutant].toSorted());
  }
  return found;
}

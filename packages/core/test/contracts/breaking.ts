/** Tests that a contract can fail: each has the contract's sentence as its title. */
import type { ContractViolation } from '@rsl/contracts';
import { expect, test } from 'vitest';

/** Whoever does this breaks exactly that contract. */
export function breaking(sentence: string, action: () => void): void {
  test.runIf(CONTRACTS)(sentence, () => {
    expect(brokenBy(action)).toBe(sentence);
  });
}

function brokenBy(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    const { code, contract } = error as Partial<ContractViolation>;
    if (code === 'RSL_CONTRACT_VIOLATION') return contract;
    throw error;
  }
}

import { ApplicationError, typed } from '@rsl/core';

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

export const accounts = ['anna', 'ben', 'cora'];
export const total = 300;

/** Accounts, and transfers between them; gives what is left on the first one. */
export function bank() {
  let balances = new Map(accounts.map((name) => [name, total / accounts.length]));
  return typed<Transfer, number, [string, number][]>({
    execute({ amount, from, to }) {
      const left = (balances.get(from) ?? 0) - amount;
      // Checked first, changed then: what a command has done before it throws would stay.
      if (left < 0) throw new ApplicationError('insufficient-funds', `${from} has too little`);
      balances.set(from, left);
      balances.set(to, (balances.get(to) ?? 0) + amount);
      return left;
    },
    snapshot: () => [...balances],
    restore: (saved) => {
      balances = new Map(saved);
    },
  });
}

import type { TransactionCommand } from './connection-command.ts';

const plain = { keys: [0, 0, 0], flags: ['noscript', 'fast'], group: 'transactions' } as const;

export const transactionCommands: readonly TransactionCommand[] = [
  { ...plain, kind: 'multi', name: 'multi', arity: 1, summary: 'Starts a transaction.' },
  {
    ...plain,
    kind: 'exec',
    name: 'exec',
    arity: 1,
    summary: 'Executes all commands of a transaction, or none if a watched key has changed.',
  },
  { ...plain, kind: 'discard', name: 'discard', arity: 1, summary: 'Drops a transaction.' },
  {
    ...plain,
    kind: 'watch',
    name: 'watch',
    arity: -2,
    keys: [1, -1, 1],
    summary: 'Makes the next EXEC depend on keys not changing.',
  },
];

/** Chance. Seeded in tests. */
export interface Random {
  /** An integer from 0 up to, not including, `limit` (1 … 2^48). */
  below(limit: number): number;
}

interface Damaged {
  readonly damage: readonly {
    readonly file: string;
    readonly offset: number;
    readonly problem: string;
  }[];
  readonly damageCount: number;
}

export function* damageLines({ damage, damageCount }: Damaged): Generator<string> {
  yield `damage: ${damageCount === 0 ? 'none' : damageCount}`;
  for (const { file, offset, problem } of damage) yield `${file}, byte ${offset}: ${problem}`;
  if (damageCount > damage.length) yield `and ${damageCount - damage.length} more`;
}

export const usedLine = (usedBy: string): string =>
  `used by ${usedBy}: this is a view of a moment, taken while it changed`;

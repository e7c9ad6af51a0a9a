/** A named way to break one rule: a short piece of one file, and what takes its place. */
export interface Mutant {
  readonly name: string;
  /** As in docs/protocol.md: `P1`, or several: `P4, R7`. */
  readonly rule: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Test files, tried in this order: the first that fails has killed it. */
  readonly killers: readonly string[];
}

type Edit = Omit<Mutant, 'file' | 'killers'> & Partial<Pick<Mutant, 'file' | 'killers'>>;

/** Mutants of one file, and its tests, but for those that name a file or killers of their own. */
export const inFile = (
  file: string,
  killers: readonly string[],
  edits: readonly Edit[],
): readonly Mutant[] => edits.map((edit) => ({ file, killers, ...edit }));

/** The source with the mutant in it; an error if it does not apply, exactly once. */
export function mutated(source: string, { name, file, find, replace }: Mutant): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`“${name}” does not apply: found ${count} times in ${file}`);
  if (find === replace) throw new Error(`“${name}” changes nothing`);
  return source.replace(find, () => replace);
}

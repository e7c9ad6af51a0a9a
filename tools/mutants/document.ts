/** What docs/mutants.md, and whoever else wants to know, is made from. */

/** One line of results.json. */
export interface Result {
  readonly mutant: string;
  readonly rule: string;
  readonly file: string;
  /** A contract by its sentence, or a test by its name: whoever was the first to notice. */
  readonly firstReport: string;
  readonly contract: string | null;
  readonly test: string;
  readonly killer: string;
  readonly plainTest: string;
  readonly plainKiller: string;
  readonly seeds: string | null;
}

const head = `# Mutants

A mutant is one rule, broken on purpose: a short piece of one source file and what takes its place.
Each has to be killed by a test that it names, twice: with contracts, and without them, as
published. So no rule is kept by a contract alone. A mutant that no longer applies, that survives,
or that ends in a time-out fails the run.

\`\`\`sh
npm run mutants                                  # all of them
npm run mutants -- --only 'vote below'           # those whose file or name has these words
npm run mutants -- --jobs 2 --json               # two at a time; verdicts as JSON
npm run mutants -- --write                       # and puts what was found into this document
\`\`\`

Before the mutants their killers run on the sources as they are: a test that fails anyway kills
nobody. The lists are in \`tools/mutants/list\`, the results in \`tools/mutants/results.json\`. How
to add one: [CONTRIBUTING.md](../CONTRIBUTING.md).

Beside them stands whether a fixed range of seeds of the simulator finds the mutant, without
contracts. It decides nothing: random seeds do not find every broken rule; that is what the killers
are for.

A contract is named by its sentence if it was the first thing that was false; else the test is, in
quotation marks.

## Not here yet

| mutant | waits for |
|---|---|
| session table ahead of the state | snapshots |
| unknown session created by use | sessions |
| highest sequence as duplicate test; session expiry by local clock | sessions |
| truncate before the snapshot is durable | snapshots |
| phase 1 skipped after a stop; leave a configuration before its stop | changes of members |
| status before durable | changes of members |
| announce a later configuration before it is durable | changes of members |
| void vote under decided-through | changes of members |
`;

/** docs/mutants.md, from what the last whole run found. */
export function documentOf(results: readonly Result[]): string {
  const files = [...new Set(results.map(({ file }) => file))];
  const tables = files.map((file) => tableOf(file, results));
  return `${head}\n${tables.join('\n')}`;
}

function tableOf(file: string, results: readonly Result[]): string {
  const rows = results
    .filter((result) => result.file === file)
    .map(({ mutant, rule, firstReport, plainTest, seeds }) => {
      const cells = [mutant, rule, firstReport, `“${plainTest}”`, seeds ?? '–'];
      return `| ${cells.map(cell).join(' | ')} |`;
    });
  const columns = '| mutant | rule | first to report | without contracts | seeds |';
  const heading = `## ${file.replace('/src', '')}`;
  return [heading, '', columns, '|---|---|---|---|---|', ...rows, ''].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

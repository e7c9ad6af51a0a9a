import { errorCodes } from '../src/errors.ts';

const outcomes = {
  'not-executed': 'The command did not execute and never will. Sending it again is safe.',
  executed: 'It has executed, once, on every replica. Do not send it again.',
  unknown:
    'It may have executed, may still execute, once, or never. Read back before sending again.',
  none: 'The error is not about one command.',
} as const;

const head = `# Errors

Generated from \`packages/core/src/errors.ts\` by \`tools/errors-document/main.ts\`; do not edit it.

Every error of these packages has a \`code\`, an \`outcome\` and a message that says what to do.
A code never changes once it is released. Compare codes, not classes or messages.

`;

/** The whole of docs/errors.md. The tool writes it, and a test compares it. */
export function errorsDocument(): string {
  const codes = Object.entries(errorCodes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const sections = codes.map(([code, { class: name, outcome, meaning, action }]) =>
    [
      `## ${code}`,
      `\`${name}\`, outcome \`${outcome}\`.`,
      meaning,
      `**What to do.** ${action}\n`,
    ].join('\n\n'),
  );
  return `${head}${outcomeTable()}\n${sections.join('\n')}`;
}

function outcomeTable(): string {
  const rows = Object.entries(outcomes).map(([outcome, what]) => `| \`${outcome}\` | ${what} |`);
  return `## What an outcome says\n\n| outcome | meaning |\n|---|---|\n${rows.join('\n')}\n`;
}

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Summary } from './summary.ts';

const file = fileURLToPath(new URL('../../docs/testing.md', import.meta.url));
const end = '<!-- end of the ledger -->';

/** Adds a row to the ledger in docs/testing.md. */
export function addToLedger(summary: Summary, seeds: string, build: string): void {
  const text = readFileSync(file, 'utf8');
  const [before, after] = text.split(end);
  if (before === undefined || after === undefined) throw new Error(`${file} has no ledger`);
  const hours = (summary.simulatedSeconds / 3_600).toFixed(1);
  const faults = Object.values(summary.faults).reduce((a, b) => a + b, 0);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? process.arch}`;
  const day = new Date().toISOString().slice(0, 10);
  const cells = [day, seeds, hours, summary.commands, faults, build, machine, summary.traceHash];
  writeFileSync(file, `${before}| ${cells.join(' | ')} |\n${end}${after}`);
}

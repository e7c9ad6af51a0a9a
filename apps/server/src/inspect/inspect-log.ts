import path from 'node:path';
import { InvalidOptionError } from '@rsl/core';
import {
  type FoundGroup,
  type FoundRecord,
  inspectLog,
  type LogReport,
} from '@rsl/log-file/inspect';
import type { LogInspection } from './inspect-command.ts';
import { logLines } from './log-lines.ts';
import type { Output } from './output.ts';
import { recordObject, recordText } from './record-text.ts';

const namesMax = 10;

/** Prints what is in a log; gives what was found. */
export async function printLog(given: LogInspection, output: Output): Promise<LogReport> {
  const { directory, group, json } = given;
  const visit = (found: FoundGroup): Promise<void> => printGroup(found, given, output);
  const whole = await inspectLog(directory, { visit });
  const report = group === undefined ? whole : only(whole, group);
  if (json) await output.line(JSON.stringify({ kind: 'log', ...report }));
  else for (const line of logLines(report)) await output.line(line);
  return report;
}

function only(report: LogReport, group: string): LogReport {
  const stores = report.stores.filter((store) => store.group === group);
  if (stores.length > 0) return { ...report, stores };
  const names = report.stores.slice(0, namesMax).map((store) => JSON.stringify(store.group));
  const more = report.stores.length > namesMax ? ', …' : '';
  const what = `there is no ${JSON.stringify(group)} in ${report.directory}`;
  throw new InvalidOptionError('group', `${what}; there are ${names.join(', ')}${more}`);
}

async function printGroup(
  { file, records }: FoundGroup,
  given: LogInspection,
  output: Output,
): Promise<void> {
  const name = path.basename(file);
  for (const found of records) {
    if (!isWanted(found, given)) continue;
    const { record } = found;
    const text = given.json ? objectOf(name, found) : lineOf(name, found, given);
    const value = 'value' in record && given.values ? record.value : undefined;
    if (value === undefined) await output.line(text);
    else if (given.json) {
      await output.write(`${text.slice(0, -1)},"value":"`);
      await output.bytes(value, 'base64');
      await output.line('"}');
    } else {
      await output.write(`${text}: `);
      await output.bytes(value, 'escaped');
      await output.line('');
    }
  }
}

function isWanted({ group, record }: FoundRecord, { from, group: wanted, to }: LogInspection) {
  if (wanted !== undefined && group !== wanted) return false;
  if (!('slot' in record) || record.kind === 'decided-through' || record.kind === 'first-slot') {
    return true;
  }
  return from <= record.slot && record.slot <= to;
}

const objectOf = (file: string, { copied, group, offset, record }: FoundRecord): string =>
  JSON.stringify({ file, offset, group, ...(copied ? { copied } : {}), ...recordObject(record) });

function lineOf(file: string, found: FoundRecord, given: LogInspection): string {
  const { copied, group, offset, record } = found;
  const whose = given.group === undefined ? `${JSON.stringify(group)}  ` : '';
  return `${file}:${offset}  ${whose}${recordText(record)}${copied ? ' (a copy)' : ''}`;
}

/** What the tests of looking into logs share. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Ballot, LogRecord, LogStore } from '@rsl/core/protocol';
import { expect } from 'vitest';
import { type FoundRecord, inspectLog, type LogReport } from '../../src/inspect/index.ts';
import { append, openAndRecover, temporaryDirectory } from '../stage.ts';

export const segment = (directory: string, n = 1): string =>
  path.join(directory, `${String(n).padStart(10, '0')}.log`);

/** Closed in an orderly way. */
export async function closedLog(...appends: readonly (readonly LogRecord[])[]): Promise<string> {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  for (const records of appends) await append(log, records);
  await log.close();
  return directory;
}

export function change(file: string, how: (bytes: Buffer) => void): void {
  const bytes = fs.readFileSync(file);
  how(bytes);
  fs.writeFileSync(file, bytes);
}

/** Everything about a directory that a program may change, but for when it was read last. */
export function fingerprint(directory: string): string[] {
  const told = (file: string): string => {
    const { ctimeNs, ino, mode, mtimeNs, nlink, size } = fs.lstatSync(file, { bigint: true });
    const isFile = fs.lstatSync(file).isFile();
    const content = isFile ? createHash('sha256').update(fs.readFileSync(file)).digest('hex') : '';
    return `${file} ${ino} ${mode} ${nlink} ${size} ${mtimeNs} ${ctimeNs} ${content}`;
  };
  const names = fs.readdirSync(directory).sort();
  return [told(directory), ...names.map((name) => told(path.join(directory, name)))];
}

export interface Looked {
  readonly report: LogReport;
  readonly found: FoundRecord[];
  /** Of each record, the name of its file and its offset. */
  readonly places: string[];
}

/** Looks into a log that nobody uses: nothing in it is touched, whatever is found. */
export async function look(directory: string): Promise<Looked> {
  const before = fingerprint(directory);
  try {
    return await lookInto(directory);
  } finally {
    expect(fingerprint(directory)).toEqual(before);
  }
}

export async function lookInto(directory: string): Promise<Looked> {
  const found: FoundRecord[] = [];
  const places: string[] = [];
  const report = await inspectLog(directory, {
    visit: ({ file, records }) => {
      for (const each of records) {
        places.push(`${path.basename(file)} ${each.offset}`);
        const { record } = each;
        const isValue = record.kind === 'vote' || record.kind === 'decided';
        found.push(
          isValue ? { ...each, record: { ...record, value: record.value?.slice() } } : each,
        );
      }
    },
  });
  return { report, found, places };
}

/**
 * The same as opening finds: of this log, which is open, and has given these records. Those of a
 * former life have votes that are decided, and raise no promise.
 */
export function expectSame(
  report: LogReport,
  group: string,
  log: LogStore,
  records: readonly LogRecord[],
  position = log.info().position,
  life: 'first' | 'later' = 'first',
): void {
  const { damaged, firstSlot, lastSlot, store } = log.info();
  const told = report.stores.find((each) => each.group === group);
  expect(told).toMatchObject({ store, firstSlot, lastSlot, position });
  expect(new Map(told?.lost.map(({ slot, ballot }) => [slot, ballot]))).toEqual(damaged);
  const last = <K extends LogRecord['kind']>(kind: K) =>
    records.findLast((r): r is Extract<LogRecord, { kind: K }> => r.kind === kind);
  const start = last('start');
  expect(told?.start).toEqual(start && { count: start.count, nonce: start.nonce });
  expect(told?.configuration).toEqual(last('configuration')?.membership);
  expect(told?.bootstrap).toEqual(last('bootstrap')?.membership);
  expect(told?.standings).toEqual(last('standings')?.standings ?? []);
  const throughs = records.map((r) => (r.kind === 'decided-through' ? r.slot : 0));
  expect(told?.decidedThrough).toBe(Math.max(0, ...throughs));
  if (life === 'first') expect(told?.promise).toEqual(promiseIn(records));
}

const promiseIn = (records: readonly LogRecord[]): Ballot | undefined =>
  records
    .flatMap((r) => (r.kind === 'promise' ? [r.ballot] : r.kind === 'vote' ? [r.vote.ballot] : []))
    .toSorted((a, b) => a.round - b.round || a.proposer - b.proposer)
    .at(-1);

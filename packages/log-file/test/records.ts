/** Contexts and records, for tests and for the processes that they start. */
import { crc32 } from 'node:zlib';
import { type Clock, defaultLimits, silentLogger } from '@rsl/core';
import type { LogRecord, LogStore, PortContext, Random, Value } from '@rsl/core/protocol';

export const testClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  everyMs(periodMs, tick) {
    const timer = setInterval(tick, periodMs);
    return () => clearInterval(timer);
  },
  soon: (run) => void setImmediate(run),
};

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed;
  const word = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { below: (limit) => Math.floor((word() / 2 ** 32) * limit) };
}

export const contextOf = (change: Partial<PortContext> = {}): PortContext => ({
  group: 'test',
  self: 1,
  limits: defaultLimits,
  clock: testClock,
  random: seededRandom(Math.floor(Math.random() * 2 ** 32)),
  logger: silentLogger,
  ...change,
});

export async function recordsOf(log: LogStore): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await log.recover((record) => records.push(copyOf(record)));
  return records;
}

/** Not structuredClone: that copies all of the memory that a value is a view of. */
function copyOf(record: LogRecord): LogRecord {
  if (record.kind === 'decided') return { ...record, value: copyOfValue(record.value) };
  if (record.kind !== 'vote') return record;
  const { ballot, value } = record.vote;
  return { ...record, vote: { ballot, value: copyOfValue(value) } };
}

const copyOfValue = ({ bytes, checksum }: Value): Value => ({ bytes: bytes.slice(), checksum });

export const append = (log: LogStore, records: readonly LogRecord[]): Promise<void> =>
  new Promise((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });

export function vote(slot: number, round = 1, length = 20): LogRecord {
  const bytes = new Uint8Array(length).map((_, i) => (slot * 7 + round * 3 + i) & 255);
  const ballot = { configuration: 1, round, proposer: 2 };
  return { kind: 'vote', slot, vote: { ballot, value: { bytes, checksum: crc32(bytes) } } };
}

/** With the value that a vote of round 77 has. */
export function decided(slot: number, length = 30): LogRecord {
  const record = vote(slot, 77, length);
  if (record.kind !== 'vote') throw new Error('a vote is a vote');
  return { kind: 'decided', slot, value: record.vote.value };
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A record in one line, with the checksum of the bytes that are there: quick to compare. */
export function shapeOf(record: LogRecord): string {
  const value = record.kind === 'vote' ? record.vote.value : undefined;
  const shown = value ?? (record.kind === 'decided' ? record.value : undefined);
  if (shown === undefined) return JSON.stringify(record);
  const { bytes, checksum } = shown;
  const ballot = record.kind === 'vote' ? JSON.stringify(record.vote.ballot) : '';
  const slot = 'slot' in record ? record.slot : 0;
  return `${record.kind} ${slot} ${ballot} ${bytes.length} ${checksum} ${crc32(bytes)}`;
}

export const shapesOf = (records: readonly LogRecord[]): string[] => records.map(shapeOf);

/** What the cases of the LogStore kit share: how they open and use a store, and their records. */
import { crc32 } from 'node:zlib';
import type { Ballot } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { LogStore, StoredValue } from '../ports/log-store.ts';

/** Opens the store of this case, again if it was closed; does not call `recover`. */
export type OpenLogStore = () => Promise<LogStore>;

/** A store whose medium can be made to fail at the next write. */
export interface FailingLogStore {
  readonly log: LogStore;
  /** Every write from now on fails. */
  fail(this: void): void;
}

/** Opens a new store for one case, on a medium that works until it is told to fail. */
export type OpenFailingLogStore = () => Promise<FailingLogStore>;

/** A store whose medium can be made full, and given room again. */
export interface FullLogStore {
  readonly log: LogStore;
  /** There is no more room than what is allocated already. */
  fill(this: void): void;
  /** There is room again. */
  free(this: void): void;
}

/** Opens a new store for one case, on a medium that has room until it is filled. */
export type OpenFullLogStore = () => Promise<FullLogStore>;

export const KiB = 1024;
export const MiB = 1024 * KiB;

export interface Recovered {
  readonly log: LogStore;
  readonly info: ReturnType<LogStore['info']>;
  readonly records: readonly LogRecord[];
}

export async function recovered(open: OpenLogStore): Promise<Recovered> {
  const log = await open();
  const records: LogRecord[] = [];
  const info = await log.recover((record) => records.push(copied(record)));
  return { log, info, records };
}

export const opened = async (open: OpenLogStore): Promise<LogStore> => (await recovered(open)).log;

export async function restarted(log: LogStore, open: OpenLogStore): Promise<Recovered> {
  await log.close();
  return recovered(open);
}

export const appended = (log: LogStore, records: readonly LogRecord[]): Promise<void> =>
  new Promise((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });

/** The same with plain byte arrays, whatever kind the store has. */
export async function read(
  log: LogStore,
  from: Slot,
  to: Slot,
  bytesMax: number,
): Promise<StoredValue[]> {
  const values = await log.read(from, to, bytesMax);
  return values.map((stored) => ({ ...stored, value: copiedValue(stored.value) }));
}

/** A value's bytes are valid only during `visit`. */
export function copied(record: LogRecord): LogRecord {
  if (record.kind === 'decided') return { ...record, value: copiedValue(record.value) };
  if (record.kind !== 'vote') return record;
  return { ...record, vote: { ballot: record.vote.ballot, value: copiedValue(record.vote.value) } };
}

export const copiedValue = ({ bytes, checksum }: Value): Value => ({
  bytes: Uint8Array.from(bytes),
  checksum,
});

export const ballotOf = (round: number): Ballot => ({ configuration: 1, round, proposer: 2 });

export function valueOf(text: string, length = text.length + 1): Value {
  const bytes = new Uint8Array(length);
  for (let i = 1; i < length; i++) bytes[i] = text.charCodeAt(i % text.length) + (i % 3);
  if (length > 0) bytes[0] = 1;
  return { bytes, checksum: crc32(bytes) };
}

export const votedValue = (slot: Slot, round: number, length?: number) =>
  valueOf(`voted ${slot} in ${round}`, length);
export const decidedValue = (slot: Slot) => valueOf(`decided ${slot}`);

export const vote = (slot: Slot, round = 1, length?: number): LogRecord => ({
  kind: 'vote',
  slot,
  vote: { ballot: ballotOf(round), value: votedValue(slot, round, length) },
});
export const decided = (slot: Slot): LogRecord => ({
  kind: 'decided',
  slot,
  value: decidedValue(slot),
});

export const stored = (slot: Slot, round = 1, length?: number): StoredValue => ({
  slot,
  ballot: ballotOf(round),
  value: votedValue(slot, round, length),
});
export const learned = (slot: Slot): StoredValue => ({
  slot,
  ballot: undefined,
  value: decidedValue(slot),
});

export const slotsOf = (values: readonly StoredValue[]): Slot[] => values.map(({ slot }) => slot);

/** A store may keep the ballot of a vote that it forgets as a promise: a vote raises it (P1). */
export const votesOf = (records: readonly LogRecord[]): LogRecord[] =>
  records.filter((record) => record.kind === 'vote');

export const newest = (records: readonly LogRecord[], kind: LogRecord['kind']) =>
  records.filter((record) => record.kind === kind).at(-1);

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

export const membershipOf = (number: number): Membership => ({
  group: '00112233445566ff',
  number,
  firstSlot: number * 10,
  members: [1, 2, 3].map((id) => ({
    id,
    store: `00000000000000a${id}`,
    role: id === 3 ? 'observer' : 'voter',
    addresses: { tcp: `wörk${id}.example:7001`, rdma: '10.9.0.1:7001' },
  })),
  previous: [{ id: 9, store: 'ffffffffffffffff', role: 'voter', addresses: {} }],
});

export const oneOfEach: readonly LogRecord[] = [
  { kind: 'start', count: 1, nonce: 123_456_789_012 },
  { kind: 'bootstrap', membership: membershipOf(1) },
  { kind: 'configuration', membership: membershipOf(1) },
  { kind: 'promise', ballot: ballotOf(7) },
  vote(1, 7),
  decided(2),
  vote(3, 7, 1),
  {
    kind: 'standings',
    standings: [{ store: '00000000000000a2', count: 2, nonce: 99, position: 1_234 }],
  },
  { kind: 'decided-through', slot: 2 },
  { kind: 'lease', leaseMs: 250 },
];

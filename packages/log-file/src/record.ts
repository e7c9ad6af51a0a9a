/**
 * The bytes of an append group and of its records. All integers are little-endian; u64 holds a
 * safe integer. A group begins at a multiple of 64 bytes:
 *
 *   group header, 64 bytes             record header, 32 bytes, one for each record
 *    0 u32 magic "RSLg"                  0 u8  kind (1 … 13, in the order of `kinds`)
 *    4 u32 checksum of bytes 8 … 63      1 u8  flags (1: copied forward)
 *    8 u64 number: 1, 2, 3 …             2 u16 ballot: proposer
 *   16 u32 mark: segment                 4 u32 ballot: configuration  (start: nonce, low 32 bits)
 *   20 u32 mark: offset                  8 u32 ballot: round          (start: nonce, high 16 bits)
 *   24 u64 firstSlot                    12 u32 length of the value
 *   32 u32 count of records             16 u32 CRC-32 of the value
 *   36 u32 CRC-32 of record headers     20 u32 owner; 0 in a log of one replica group
 *   40 u32 length of the whole group    24 u64 slot          (start: count; lease: ms)
 *   44 u32 flags (1: carry)
 *   48 u32 keepFrom                    then the values, one after the other, then zeros up to
 *   52 u32 offset of this group        the length of the group
 *   56 u64 0
 *
 * The mark is the end of what was synced before this group was written. The header's checksum
 * goes on from the segment's seed (store, salt, sequence), and so vouches for the group's place: a
 * misdirected write or the former life of a recycled segment does not verify. Records and values
 * have checksums of their own, so that a record whose value is lost can still be told (S3).
 */
import { crc32 } from 'node:zlib';
import { requires } from '@rsl/contracts';
import {
  type Ballot,
  type LogRecord,
  membershipFromJson,
  membershipToJson,
  type Slot,
} from '@rsl/core/protocol';
import { getUint53, type Memory, roundUp, setUint53 } from './memory.ts';
import { encodeOwner, type SharedRecord } from './shared/shared-record.ts';
import { decodeStandings, encodeStandings } from './standings-codec.ts';

/** Every write begins at a multiple of this and fills it: a synced block is not written again. */
export const blockBytes = 4096;
export const groupAlignment = 64;
export const groupHeaderBytes = 64;
export const recordHeaderBytes = 32;

const groupMagic = 0x67_4c_53_52;
const carryFlag = 1;
const copiedFlag = 1;
const two32 = 2 ** 32;
const noBytes = new Uint8Array(0);

/** What a log stores; the last ones only a log that many replica groups share. */
export type FileRecord = LogRecord | SharedRecord;

const kinds: readonly FileRecord['kind'][] = [
  'promise',
  'vote',
  'decided',
  'decided-through',
  'configuration',
  'bootstrap',
  'start',
  'standings',
  'lease',
  'owner',
  'first-slot',
  'lost-vote',
  'lost-decided',
];

export const promiseKind = 1;
export const voteKind = 2;
export const decidedKind = 3;
/** Of the last record that is the caller's; those above are the log's own. */
export const leaseKind = 9;

export interface GroupHeader {
  readonly number: number;
  readonly markSegment: number;
  readonly markOffset: number;
  readonly firstSlot: Slot;
  /** Segments below are no longer needed once this group is durable. */
  readonly keepFrom: number;
  /** True for the first group of a segment: it repeats what must outlive older segments. */
  readonly carry: boolean;
  readonly offset: number;
}

export interface StoredGroupHeader extends GroupHeader {
  readonly count: number;
  readonly recordsChecksum: number;
  readonly length: number;
}

/** What `encodeGroup` writes after the headers: computed once, before there is room. */
export interface EncodedGroup {
  readonly records: readonly FileRecord[];
  /** Whose they are: of all, or of each. */
  readonly owners: number | readonly number[];
  /** They were stored before, and stand in for segments that leave. */
  readonly copied: boolean;
  /** In the order of `records`; empty where a kind has no value. */
  readonly values: readonly Uint8Array[];
  readonly bytes: number;
}

export function groupOf(
  records: readonly FileRecord[],
  owners: number | readonly number[] = 0,
  copied = false,
): EncodedGroup {
  const values = records.map(valueBytes);
  let bytes = groupHeaderBytes + records.length * recordHeaderBytes;
  for (const value of values) bytes += value.length;
  return { records, owners, copied, values, bytes: roundUp(bytes, groupAlignment) };
}

function valueBytes(record: FileRecord): Uint8Array {
  switch (record.kind) {
    case 'vote':
      return record.vote.value.bytes;
    case 'decided':
      return record.value.bytes;
    case 'configuration':
    case 'bootstrap':
      return membershipToJson(record.membership);
    case 'standings':
      return encodeStandings(record.standings);
    case 'owner':
      return encodeOwner(record.owner);
    default:
      return noBytes;
  }
}

/** Writes a group at `at`, all but the header's length and checksum, which `sealGroup` adds. */
export function encodeGroup(to: Memory, at: number, group: EncodedGroup, head: GroupHeader): void {
  const { view, bytes } = to;
  const headersEnd = at + groupHeaderBytes + group.records.length * recordHeaderBytes;
  let recordAt = at + groupHeaderBytes;
  let valueAt = headersEnd;
  group.records.forEach((record, i) => {
    const value = group.values[i] as Uint8Array;
    encodeRecord(view, recordAt, record, value);
    if (group.copied) bytes[recordAt + 1] = copiedFlag;
    const owner = typeof group.owners === 'number' ? group.owners : (group.owners[i] as number);
    view.setUint32(recordAt + 20, owner, true);
    bytes.set(value, valueAt);
    recordAt += recordHeaderBytes;
    valueAt += value.length;
  });
  bytes.fill(0, valueAt, at + group.bytes);

  bytes.fill(0, at, at + groupHeaderBytes);
  view.setUint32(at, groupMagic, true);
  setUint53(view, at + 8, head.number);
  view.setUint32(at + 16, head.markSegment, true);
  view.setUint32(at + 20, head.markOffset, true);
  setUint53(view, at + 24, head.firstSlot);
  view.setUint32(at + 32, group.records.length, true);
  view.setUint32(at + 36, crc32(bytes.subarray(at + groupHeaderBytes, headersEnd)), true);
  view.setUint32(at + 44, head.carry ? carryFlag : 0, true);
  view.setUint32(at + 48, head.keepFrom, true);
  view.setUint32(at + 52, head.offset, true);
}

/** The last group of a write is made longer, up to the end of the block. */
export function sealGroup(to: Memory, at: number, length: number, seed: number): void {
  to.view.setUint32(at + 40, length, true);
  to.view.setUint32(at + 4, crc32(to.bytes.subarray(at + 8, at + groupHeaderBytes), seed), true);
}

function encodeRecord(view: DataView, at: number, record: FileRecord, value: Uint8Array): void {
  view.setUint32(at, kinds.indexOf(record.kind) + 1, true);
  setBallot(view, at, noBallot);
  view.setUint32(at + 12, value.length, true);
  let slot = 0;
  let checksum = 0;
  switch (record.kind) {
    case 'promise':
      setBallot(view, at, record.ballot);
      break;
    case 'vote':
      setBallot(view, at, record.vote.ballot);
      slot = record.slot;
      checksum = record.vote.value.checksum;
      break;
    case 'decided':
      slot = record.slot;
      checksum = record.value.checksum;
      break;
    case 'lost-vote':
      setBallot(view, at, record.ballot);
      slot = record.slot;
      break;
    case 'decided-through':
    case 'first-slot':
    case 'lost-decided':
      slot = record.slot;
      break;
    case 'start':
      requires(() => record.nonce >= 0 && record.nonce < 2 ** 48, 'file-2 a nonce has 48 bits');
      view.setUint32(at + 4, record.nonce % two32, true);
      view.setUint32(at + 8, Math.floor(record.nonce / two32), true);
      slot = record.count;
      break;
    case 'lease':
      slot = record.leaseMs;
      break;
    default:
      checksum = crc32(value);
  }
  requires(() => Number.isSafeInteger(slot) && slot >= 0, 'file-3 a slot is a natural number');
  view.setUint32(at + 16, checksum, true);
  setUint53(view, at + 24, slot);
}

const noBallot: Ballot = { configuration: 0, round: 0, proposer: 0 };

function setBallot(view: DataView, at: number, ballot: Ballot): void {
  requires(
    () => ballot.configuration < two32 && ballot.round < two32 && ballot.proposer < 65_536,
    'file-4 a ballot fits its field',
  );
  view.setUint16(at + 2, ballot.proposer, true);
  view.setUint32(at + 4, ballot.configuration, true);
  view.setUint32(at + 8, ballot.round, true);
}

/** The header at `at` if it verifies as one that was written at `offset` of the segment. */
export function readGroupHeader(
  { bytes, view }: Memory,
  at: number,
  offset: number,
  seed: number,
): StoredGroupHeader | undefined {
  if (view.getUint32(at, true) !== groupMagic) return undefined;
  const checksum = crc32(bytes.subarray(at + 8, at + groupHeaderBytes), seed);
  if (view.getUint32(at + 4, true) !== checksum) return undefined;
  const header: StoredGroupHeader = {
    number: getUint53(view, at + 8),
    markSegment: view.getUint32(at + 16, true),
    markOffset: view.getUint32(at + 20, true),
    firstSlot: getUint53(view, at + 24),
    count: view.getUint32(at + 32, true),
    recordsChecksum: view.getUint32(at + 36, true),
    length: view.getUint32(at + 40, true),
    carry: (view.getUint32(at + 44, true) & carryFlag) !== 0,
    keepFrom: view.getUint32(at + 48, true),
    offset: view.getUint32(at + 52, true),
  };
  const fits = groupHeaderBytes + header.count * recordHeaderBytes <= header.length;
  const sound = header.offset === offset && header.length % groupAlignment === 0 && fits;
  return sound && header.number > 0 && header.firstSlot > 0 ? header : undefined;
}

/** Is the magic number there? A quick look before `readGroupHeader`. */
export const mayBeGroup = (view: DataView, at: number): boolean =>
  view.getUint32(at, true) === groupMagic;

/** A record as stored: where it is, not what it holds. */
export interface StoredRecord {
  kind: number;
  slot: Slot;
  /** In the memory that was given, and of the header. */
  at: number;
  valueAt: number;
  length: number;
  checksum: number;
  owner: number;
  copied: boolean;
}

/**
 * Visits the records of a group whose header verified; false at the first thing that is not as
 * it was written. The object given to `visit` is reused.
 */
export function eachRecord(
  { bytes, view }: Memory,
  at: number,
  header: StoredGroupHeader,
  visit: (record: StoredRecord) => boolean,
): boolean {
  const headersAt = at + groupHeaderBytes;
  const headersEnd = headersAt + header.count * recordHeaderBytes;
  if (crc32(bytes.subarray(headersAt, headersEnd)) !== header.recordsChecksum) return false;
  const record: StoredRecord = {
    kind: 0,
    slot: 0,
    at: 0,
    valueAt: headersEnd,
    length: 0,
    checksum: 0,
    owner: 0,
    copied: false,
  };
  for (let recordAt = headersAt; recordAt < headersEnd; recordAt += recordHeaderBytes) {
    record.at = recordAt;
    record.kind = bytes[recordAt] as number;
    record.slot = getUint53(view, recordAt + 24);
    record.valueAt += record.length;
    record.length = view.getUint32(recordAt + 12, true);
    record.checksum = view.getUint32(recordAt + 16, true);
    record.owner = view.getUint32(recordAt + 20, true);
    record.copied = bytes[recordAt + 1] === copiedFlag;
    if (record.kind < 1 || record.kind > kinds.length || record.slot < 0) return false;
    if (record.valueAt + record.length > at + header.length) return false;
    if (!visit(record)) return false;
  }
  return true;
}

export const isOfSlot = ({ kind }: StoredRecord): boolean =>
  kind === voteKind || kind === decidedKind;

export const valueVerifies = (bytes: Uint8Array, record: StoredRecord): boolean =>
  record.length === 0
    ? record.checksum === 0
    : crc32(bytes.subarray(record.valueAt, record.valueAt + record.length)) === record.checksum;

export const ballotAt = (view: DataView, at: number): Ballot => ({
  configuration: view.getUint32(at + 4, true),
  round: view.getUint32(at + 8, true),
  proposer: view.getUint16(at + 2, true),
});

/**
 * Undefined if a value cannot be parsed, and for what is the log's own. Bytes of values are a view
 * of the memory given.
 */
export function decodeRecord({ bytes, view }: Memory, stored: StoredRecord): LogRecord | undefined {
  const { at, slot } = stored;
  const value = bytes.subarray(stored.valueAt, stored.valueAt + stored.length);
  const kind = kinds[stored.kind - 1] as FileRecord['kind'];
  switch (kind) {
    case 'promise':
      return { kind, ballot: ballotAt(view, at) };
    case 'vote': {
      const vote = {
        ballot: ballotAt(view, at),
        value: { bytes: value, checksum: stored.checksum },
      };
      return { kind, slot, vote };
    }
    case 'decided':
      return { kind, slot, value: { bytes: value, checksum: stored.checksum } };
    case 'decided-through':
      return { kind, slot };
    case 'configuration':
    case 'bootstrap': {
      const membership = membershipFromJson(value);
      return membership && { kind, membership };
    }
    case 'standings': {
      const standings = decodeStandings(value);
      return standings && { kind, standings };
    }
    case 'start': {
      const nonce = view.getUint32(at + 4, true) + view.getUint32(at + 8, true) * two32;
      return { kind, count: slot, nonce };
    }
    case 'lease':
      return { kind, leaseMs: slot };
    default:
      return undefined;
  }
}

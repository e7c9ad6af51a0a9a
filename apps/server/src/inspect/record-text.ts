import { describeBallot } from '@rsl/core/protocol';
import type { FoundRecord } from '@rsl/log-file/inspect';
import { membershipText } from './membership-text.ts';

type Record = FoundRecord['record'];

/** What was stored, in a few words; the bytes of a value are left out. */
export function recordText(record: Record): string {
  switch (record.kind) {
    case 'vote':
    case 'decided':
      return valueText(record);
    case 'promise':
      return `promise, ballot ${describeBallot(record.ballot)}`;
    case 'configuration':
    case 'bootstrap':
      return `${record.kind} ${membershipText(record.membership)}`;
    case 'start':
      return `start ${record.count}, nonce ${record.nonce}`;
    case 'standings':
      return `standings of ${record.standings.length} stores`;
    case 'lease':
      return `lease of ${record.leaseMs} ms`;
    case 'owner':
      return `store ${record.owner.store} of replica ${record.owner.replica}`;
    case 'lost-vote':
      return `lost vote, slot ${record.slot}, ballot ${describeBallot(record.ballot)}`;
    case 'decided-through':
    case 'first-slot':
    case 'lost-decided':
      return `${record.kind.replace('-', ' ')} slot ${record.slot}`;
  }
}

function valueText(record: Extract<Record, { kind: 'vote' | 'decided' }>): string {
  const { ballot, bytes, checksum, kind, slot, value } = record;
  const by = ballot === undefined ? '' : `, ballot ${describeBallot(ballot)}`;
  const crc = checksum.toString(16).padStart(8, '0');
  const lost = value === undefined ? ', which it fails' : '';
  return `${kind}, slot ${slot}${by}, ${bytes} bytes, CRC ${crc}${lost}`;
}

/** The same as a plain object, without the bytes. */
export function recordObject(record: Record): object {
  if (record.kind !== 'vote' && record.kind !== 'decided') return record;
  const { value, ...told } = record;
  return { ...told, lost: value === undefined };
}

/** Frames as docs/wire-format.md describes them, field by field; no line of it is the codec's. */
import { crc32 } from 'node:zlib';
import type { Envelope } from '../../src/codec/frame.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Message } from '../../src/paxos/messages.ts';
import type { Value } from '../../src/paxos/value.ts';

const headerBytes = 32;

const numbers: Record<Message['kind'], readonly [channel: number, kind: number]> = {
  '1a': [0, 1],
  '1b': [0, 2],
  '2a': [0, 3],
  '2b': [0, 4],
  nack: [0, 5],
  heartbeat: [0, 6],
  'heartbeat-answer': [0, 7],
  decided: [0, 8],
  'may-i': [0, 9],
  'you-may': [0, 10],
  'stand-now': [0, 11],
  grant: [0, 12],
  'learn-request': [1, 1],
  'learn-reply': [1, 2],
  'read-request': [2, 1],
  'read-answer': [2, 2],
};

const u8 = (n: number): Buffer => Buffer.from([n]);
const u16 = (n: number): Buffer => little(BigInt(n), 2);
const u32 = (n: number): Buffer => little(BigInt(n), 4);
const u64 = (n: number | bigint): Buffer => little(BigInt(n), 8);

function little(n: bigint, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => Number((n >> BigInt(8 * i)) & 255n)));
}

const ballot = ({ configuration, round, proposer }: Ballot): Buffer =>
  Buffer.concat([u32(configuration), u32(round), u16(proposer)]);
const cookie = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const value = ({ bytes }: Value): Buffer => Buffer.concat([u32(bytes.length), u32(crc32(bytes))]);

function fieldsOf(m: Message): Buffer[] {
  switch (m.kind) {
    case '1a':
      return [ballot(m.ballot), u64(m.fromSlot), ballot(m.freed), cookie(m.cookie)];
    case '1b': {
      const head = [ballot(m.ballot), u64(m.fromSlot), u64(m.nextSlot ?? 0)];
      const states = { voted: 0, decided: 1, lost: 2 };
      const reports = m.reported.flatMap((r) => [
        u8(states[r.state]),
        u64(r.slot),
        ...(r.state === 'decided' ? [] : [ballot(r.ballot)]),
        ...(r.state === 'lost' ? [] : [value(r.value)]),
      ]);
      return [...head, u64(m.firstSlot), u64(m.decidedThrough), u32(m.reported.length), ...reports];
    }
    case '2a': {
      const slots = [u64(m.base), u64(m.slot), u64(m.decidedThrough)];
      return [ballot(m.ballot), ...slots, cookie(m.cookie), value(m.value)];
    }
    case '2b':
      return [ballot(m.ballot), u64(m.through), u64(m.payload)];
    case 'nack':
      return [ballot(m.ballot), ballot(m.promised)];
    case 'heartbeat':
      return [ballot(m.ballot), u64(m.base), u64(m.decidedThrough), u64(m.round), u32(m.leaseMs)];
    case 'grant':
      return [ballot(m.ballot), u64(m.round)];
    case 'heartbeat-answer':
      return [ballot(m.ballot), u64(m.round), u64(m.executedThrough), u8(m.full ? 1 : 0)];
    case 'decided':
      return [ballot(m.ballot), u64(m.base), u64(m.decidedThrough)];
    case 'may-i':
    case 'you-may':
    case 'stand-now':
      return [ballot(m.ballot)];
    case 'learn-request':
      return [u64(m.fromSlot), u32(m.bytesMax)];
    case 'learn-reply': {
      const slots = [u64(m.fromSlot), u64(m.firstSlot), u64(m.decidedThrough)];
      return [...slots, u32(m.values.length), ...m.values.map(value)];
    }
    case 'read-request':
      return [u64(m.number)];
    case 'read-answer':
      return [u64(m.number), u8(m.slot === undefined ? 0 : 1), u64(m.slot ?? 0)];
  }
}

function valuesOf(m: Message): readonly Uint8Array[] {
  if (m.kind === '1b')
    return m.reported.flatMap((r) => (r.state === 'lost' ? [] : [r.value.bytes]));
  if (m.kind === '2a') return [m.value.bytes];
  return m.kind === 'learn-reply' ? m.values.map((v) => v.bytes) : [];
}

export function documentedFrame(m: Message, envelope: Envelope): Buffer {
  const [channel, kind] = numbers[m.kind];
  const fields = Buffer.concat(fieldsOf(m));
  const values = Buffer.concat(valuesOf(m));
  const headLength = headerBytes + fields.length;
  const front = Buffer.from([0x52, 1, channel, kind]);
  const rest = Buffer.concat([
    Buffer.from(envelope.group, 'hex'),
    u32(envelope.configuration),
    u32(envelope.fingerprint),
    u32(headLength),
    u32(headLength + values.length),
    fields,
  ]);
  return Buffer.concat([front, u32(crc32(rest, crc32(front))), rest, values]);
}

/** The same frame with the checksum that its head has now. */
export function resealed(frame: Uint8Array): Uint8Array {
  const bytes = Buffer.from(frame);
  if (bytes.length < headerBytes) return bytes;
  const head = bytes.subarray(0, Math.min(bytes.length, bytes.readUInt32LE(24)));
  bytes.writeUInt32LE(crc32(head.subarray(8), crc32(head.subarray(0, 4))), 4);
  return Uint8Array.from(bytes);
}

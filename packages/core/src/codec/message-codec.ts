/** The fields of every message between the replicas of a configuration; see docs/wire-format.md. */
import { FrameError } from '../errors.ts';
import type { Message, MessageKind, Phase1b, Reported } from '../paxos/messages.ts';
import type { Slot } from '../paxos/slot.ts';
import { unreachable } from '../unreachable.ts';
import { copied, type Reader, type Writer } from './bytes.ts';
import { channels, type Frame, type FrameWriter } from './frame.ts';

/** Never renumbered. */
export const messageKinds: Readonly<Record<MessageKind, readonly [channel: number, kind: number]>> =
  {
    '1a': [channels.paxos, 1],
    '1b': [channels.paxos, 2],
    '2a': [channels.paxos, 3],
    '2b': [channels.paxos, 4],
    nack: [channels.paxos, 5],
    heartbeat: [channels.paxos, 6],
    'heartbeat-answer': [channels.paxos, 7],
    decided: [channels.paxos, 8],
    'may-i': [channels.paxos, 9],
    'you-may': [channels.paxos, 10],
    'stand-now': [channels.paxos, 11],
    grant: [channels.paxos, 12],
    'learn-request': [channels.learning, 1],
    'learn-reply': [channels.learning, 2],
    'read-request': [channels.requests, 1],
    'read-answer': [channels.requests, 2],
  };

const kindOfCode = new Map(
  Object.entries(messageKinds).map(([kind, [channel, code]]) => [
    channel * 256 + code,
    kind as MessageKind,
  ]),
);

const states = ['voted', 'decided', 'lost'] as const;

/** After `out.begin`: the fields of `message`, and its values. */
export function writeMessage(message: Message, out: FrameWriter): void {
  const { fields } = out;
  if ('ballot' in message) fields.ballot(message.ballot);
  switch (message.kind) {
    case '1a':
      fields.u64(message.fromSlot);
      fields.ballot(message.freed);
      return cookie(message.cookie, fields);
    case '1b':
      return write1b(message, out);
    case '2a':
      fields.u64(message.base);
      fields.u64(message.slot);
      fields.u64(message.decidedThrough);
      cookie(message.cookie, fields);
      return out.value(message.value);
    case '2b':
      fields.u64(message.through);
      return fields.big64(message.payload);
    case 'nack':
      return fields.ballot(message.promised);
    case 'heartbeat':
      fields.u64(message.base);
      fields.u64(message.decidedThrough);
      fields.u64(message.round);
      return fields.u32(message.leaseMs);
    case 'grant':
      return fields.u64(message.round);
    case 'heartbeat-answer':
      fields.u64(message.round);
      fields.u64(message.executedThrough);
      return fields.u8(message.full ? 1 : 0);
    case 'decided':
      fields.u64(message.base);
      return fields.u64(message.decidedThrough);
    case 'may-i':
    case 'you-may':
    case 'stand-now':
      return;
    case 'learn-request':
      fields.u64(message.fromSlot);
      return fields.u32(message.bytesMax);
    case 'learn-reply':
      fields.u64(message.fromSlot);
      fields.u64(message.firstSlot);
      fields.u64(message.decidedThrough);
      fields.u32(message.values.length);
      for (const value of message.values) out.value(value);
      return;
    case 'read-request':
      return fields.u64(message.number);
    case 'read-answer':
      fields.u64(message.number);
      fields.u8(message.slot === undefined ? 0 : 1);
      return fields.u64(message.slot ?? 0);
    default:
      return unreachable(message);
  }
}

/** FrameError for anything that is no message; undefined for a kind that this version lacks. */
export function readMessage(frame: Frame): Message | undefined {
  const kind = kindOfCode.get(frame.channel * 256 + frame.kind);
  if (kind === undefined) return undefined;
  const message = readFields(kind, frame);
  frame.fields.end();
  frame.values.end();
  return message;
}

function readFields(kind: MessageKind, { fields, values }: Frame): Message {
  switch (kind) {
    case '1a':
      return read1a(fields);
    case '1b':
      return read1b(fields, values);
    case '2a':
      return {
        kind,
        ballot: fields.ballot(),
        base: fields.slot(),
        slot: fields.slot(),
        decidedThrough: fields.slot(),
        cookie: readCookie(fields),
        value: values.next(fields),
      };
    case '2b':
      return { kind, ballot: fields.ballot(), through: fields.slot(), payload: fields.big64() };
    case 'nack':
      return { kind, ballot: fields.ballot(), promised: fields.ballot() };
    case 'heartbeat':
      return readHeartbeat(fields);
    case 'grant':
      return { kind, ballot: fields.ballot(), round: fields.u64() };
    case 'heartbeat-answer':
      return {
        kind,
        ballot: fields.ballot(),
        round: fields.u64(),
        executedThrough: fields.slot(),
        full: fields.u8() === 1,
      };
    case 'decided':
      return { kind, ballot: fields.ballot(), base: fields.slot(), decidedThrough: fields.slot() };
    case 'may-i':
    case 'you-may':
    case 'stand-now':
      return { kind, ballot: fields.ballot() };
    case 'learn-request':
      return { kind, fromSlot: fields.slot(), bytesMax: fields.u32() };
    case 'learn-reply': {
      const fromSlot = fields.slot();
      const firstSlot = fields.slot();
      const decidedThrough = fields.slot();
      const list = new Array(count(fields, 8)).fill(undefined).map(() => values.next(fields));
      return { kind, fromSlot, firstSlot, decidedThrough, values: list };
    }
    case 'read-request':
      return { kind, number: fields.u64() };
    case 'read-answer':
      return readAnswer(fields);
    default:
      return unreachable(kind);
  }
}

function read1a(fields: Reader): Message {
  const ballot = fields.ballot();
  const fromSlot = fields.slot();
  const freed = fields.ballot();
  return { kind: '1a', ballot, fromSlot, freed, cookie: readCookie(fields) };
}

function readHeartbeat(fields: Reader): Message {
  const ballot = fields.ballot();
  const base = fields.slot();
  const decidedThrough = fields.slot();
  const round = fields.u64();
  return { kind: 'heartbeat', ballot, base, decidedThrough, round, leaseMs: fields.u32() };
}

function readAnswer(fields: Reader): Message {
  const number = fields.u64();
  const granted = fields.u8() === 1;
  const slot = fields.slot();
  return { kind: 'read-answer', number, slot: granted ? slot : undefined };
}

function write1b(message: Phase1b, out: FrameWriter): void {
  const { fields } = out;
  fields.u64(message.fromSlot);
  fields.u64(message.nextSlot ?? 0);
  fields.u64(message.firstSlot);
  fields.u64(message.decidedThrough);
  fields.u32(message.reported.length);
  for (const one of message.reported) writeReported(one, out);
}

function read1b(fields: Reader, values: Frame['values']): Message {
  const ballot = fields.ballot();
  const fromSlot = fields.slot();
  const next = fields.slot();
  const nextSlot = next === 0 ? undefined : next;
  const firstSlot = fields.slot();
  const decidedThrough = fields.slot();
  const reported = new Array(count(fields, 17))
    .fill(undefined)
    .map((): Reported => readReported(fields, values));
  checkOrder(fromSlot, reported, nextSlot);
  return { kind: '1b', ballot, fromSlot, nextSlot, firstSlot, decidedThrough, reported };
}

/** Slots in order, from the first that was asked for to the one that is left out. */
function checkOrder(
  fromSlot: Slot,
  reported: readonly Reported[],
  nextSlot: Slot | undefined,
): void {
  let last = fromSlot - 1;
  for (const { slot } of reported) {
    if (slot <= last) throw new FrameError(`slot ${slot} reported behind slot ${last}`);
    last = slot;
  }
  if (nextSlot !== undefined && (nextSlot <= last || reported.length === 0)) {
    throw new FrameError(`slot ${nextSlot} left out behind slot ${last}`);
  }
}

function writeReported(one: Reported, out: FrameWriter): void {
  const { fields } = out;
  fields.u8(states.indexOf(one.state));
  fields.u64(one.slot);
  if (one.state !== 'decided') fields.ballot(one.ballot);
  if (one.state !== 'lost') out.value(one.value);
}

function readReported(fields: Reader, values: Frame['values']): Reported {
  const state = states[fields.u8()];
  const slot = fields.slot();
  if (state === 'decided') return { slot, state, value: values.next(fields) };
  if (state === 'lost') return { slot, state, ballot: fields.ballot() };
  if (state === undefined) throw new FrameError('a slot reported in no known state');
  return { slot, state, ballot: fields.ballot(), value: values.next(fields) };
}

/** How many items follow; each takes at least `itemBytesMin`, so no more is ever allocated. */
function count(fields: Reader, itemBytesMin: number): number {
  const items = fields.u32();
  if (items * itemBytesMin > fields.left) throw new FrameError('fewer items than it says');
  return items;
}

function cookie(bytes: Uint8Array, fields: Writer): void {
  fields.u16(bytes.length);
  fields.raw(bytes);
}

const readCookie = (fields: Reader): Uint8Array => copied(fields.raw(fields.u16()));

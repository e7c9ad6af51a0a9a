import { sealBatch } from '../src/codec/batch.ts';
import { encodeSegment } from '../src/codec/segment.ts';
import { sealed } from '../src/codec/checksum.ts';
import { type Envelope, FrameWriter } from '../src/codec/frame.ts';
import { type HostMessage, hostMessageKinds, writeHostMessage } from '../src/codec/host-codec.ts';
import { messageKinds, writeMessage } from '../src/codec/message-codec.ts';
import type { Ballot } from '../src/paxos/ballot.ts';
import type { Membership } from '../src/paxos/membership.ts';
import type { Message } from '../src/paxos/messages.ts';
import { noOp, type Value } from '../src/paxos/value.ts';
import { encodeControl } from '../src/sessions/control.ts';

/** Said by every golden frame. */
export const envelope: Envelope = {
  group: '0123456789abcdef',
  configuration: 7,
  fingerprint: 0xa1b2c3d4,
};

const ballot: Ballot = { configuration: 7, round: 258, proposer: 3 };
const lower: Ballot = { configuration: 7, round: 257, proposer: 2 };
const cookie = Uint8Array.of(0xc0, 0x0c, 0x1e);
const commands = ['one', '', 'three'].map((text) => new TextEncoder().encode(text));

const origin = { origin: 2, epoch: 2 ** 40 + 5 };
export const segment = encodeSegment({ ...origin, firstSequence: 9 }, commands);
const session = { slot: 2 ** 33 + 6, offset: 7, firstSequence: 2 ** 34 + 8, acknowledged: 2 ** 34 };
/** One of each kind. */
const segments = Buffer.concat([
  segment,
  encodeSegment({ ...origin, firstSequence: 12, session }, commands),
  encodeSegment({ ...origin, firstSequence: 15, isControl: true }, [
    encodeControl({ kind: 'open', ttlMs: 30_000 }),
    encodeControl({ kind: 'close', name: session }),
    encodeControl({ kind: 'use', name: session, acknowledged: 2 ** 35 + 9 }),
  ]),
]);
export const batch: Value = sealBatch(1_700_000_000_123, lower, [segment]);
const stop: Value = sealed(Uint8Array.of(2, 0x51, 0x52));

export const membership: Membership = {
  group: envelope.group,
  number: 7,
  firstSlot: 1_000,
  members: [
    {
      id: 1,
      store: '00000000000000a1',
      role: 'voter',
      addresses: { tcp: '127.0.0.1:7001', memory: 'one' },
    },
    { id: 2, store: '00000000000000b2', role: 'observer', addresses: { tcp: '[::1]:7002' } },
  ],
  previous: [{ id: 9, store: '00000000000000c9', role: 'voter', addresses: { memory: 'nine' } }],
};

export const founded: Membership = {
  ...membership,
  founding: { slot: 999, digest: '0123456789abcdef'.repeat(4) },
};

/** One of each kind, with every field different from what it is by default. */
export const messages: readonly Message[] = [
  { kind: '1a', ballot, fromSlot: 17, freed: lower, cookie },
  {
    kind: '1b',
    ballot,
    fromSlot: 17,
    nextSlot: 21,
    firstSlot: 5,
    decidedThrough: 16,
    reported: [
      { slot: 17, state: 'voted', ballot: lower, value: batch },
      { slot: 18, state: 'decided', value: noOp },
      { slot: 19, state: 'lost', ballot: lower },
    ],
  },
  { kind: '2a', ballot, base: 17, slot: 21, decidedThrough: 20, cookie, value: batch },
  { kind: '2b', ballot, through: 21, payload: 0x0102_0304_0506_0708n },
  { kind: 'nack', ballot: lower, promised: ballot },
  { kind: 'heartbeat', ballot, base: 17, decidedThrough: 20, round: 2 ** 33 + 1, leaseMs: 250 },
  { kind: 'grant', ballot, round: 2 ** 33 + 1 },
  { kind: 'heartbeat-answer', ballot, round: 2 ** 33 + 1, executedThrough: 19, full: true },
  { kind: 'decided', ballot, base: 17, decidedThrough: 21 },
  { kind: 'may-i', ballot },
  { kind: 'you-may', ballot },
  { kind: 'stand-now', ballot },
  { kind: 'learn-request', fromSlot: 6, bytesMax: 1_048_576 },
  { kind: 'learn-reply', fromSlot: 6, firstSlot: 5, decidedThrough: 21, values: [stop, noOp] },
  { kind: 'read-request', number: 2 ** 40 },
  { kind: 'read-answer', number: 2 ** 40, slot: 21 },
];

export const hostMessages: readonly HostMessage[] = [
  { kind: 'forward', ballot, number: 4, segments: new Uint8Array(segments) },
  { kind: 'forward-ack', ballot, epoch: 2 ** 40 + 5, received: 4 },
  { kind: 'sleep', ballot, round: 2 ** 33 + 1, decidedThrough: 21 },
  { kind: 'asleep', ballot, round: 2 ** 33 + 1 },
  { kind: 'awake', ballot },
  { kind: 'where' },
  { kind: 'form', membership },
  { kind: 'accepted', group: envelope.group },
  { kind: 'refused', group: envelope.group, reason: 'another set was agreed to' },
  { kind: 'formed', membership },
  {
    kind: 'standing',
    asks: true,
    count: 4,
    nonce: 2 ** 40 + 5,
    position: 1_234,
    found: { count: 3, nonce: 2 ** 40 + 3, position: 1_200 },
  },
  { kind: 'recalled', nonce: 2 ** 40 + 5, contradicts: true, position: 1_234 },
];

export function frameOf(message: Message): Uint8Array {
  const out = new FrameWriter();
  const [channel, kind] = messageKinds[message.kind];
  out.begin(channel, kind, envelope);
  writeMessage(message, out);
  return Buffer.concat(out.end());
}

export function frameOfHost(message: HostMessage): Uint8Array {
  const out = new FrameWriter();
  const [channel, kind] = hostMessageKinds[message.kind];
  out.begin(channel, kind, envelope);
  writeHostMessage(message, out);
  return Buffer.concat(out.end());
}

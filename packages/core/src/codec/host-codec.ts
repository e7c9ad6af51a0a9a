/** What hosts say to each other beside the protocol: forwarding commands, and forming a group. */
import { FrameError } from '../errors.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Standing } from '../paxos/log-record.ts';
import type { Membership } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import { unreachable } from '../unreachable.ts';
import { crc32 } from './checksum.ts';
import type { Reader, Writer } from './bytes.ts';
import { channels, type Frame, type FrameWriter } from './frame.ts';
import { decodeMembership, encodeMembership } from './membership-codec.ts';

/** Commands for the leader of `ballot`, numbered 1, 2, 3 … for that ballot and this start. */
export interface Forward {
  readonly kind: 'forward';
  readonly ballot: Ballot;
  readonly number: number;
  /** One or more, one after the other, all of one start of the sender. */
  readonly segments: Uint8Array;
}

/** "I have every forward of yours up to this number." */
export interface ForwardAck {
  readonly kind: 'forward-ack';
  readonly ballot: Ballot;
  readonly epoch: number;
  readonly received: number;
}

/** A leader with nothing to do: may it, and whoever it says this to, go without ticks? */
export interface SleepRequest {
  readonly kind: 'sleep';
  readonly ballot: Ballot;
  /** Of this leader's ballot; the answer carries it back. */
  readonly round: number;
  /** Nothing was proposed beyond. */
  readonly decidedThrough: Slot;
}

/** "I have executed that much, and sleep from now on." */
export interface Asleep {
  readonly kind: 'asleep';
  readonly ballot: Ballot;
  readonly round: number;
}

/** "I follow this ballot, and am awake again": whoever leads in it is to be awake too. */
export interface Awake {
  readonly kind: 'awake';
  readonly ballot: Ballot;
}

/** Where is the group? Asked by whoever knows no configuration. */
export interface Where {
  readonly kind: 'where';
}

/** Will you form this group? Asked of every member before anybody votes (S10). */
export interface Form {
  readonly kind: 'form';
  readonly membership: Membership;
}

/** Durably agreed to form the group of this id, and no other ever. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly group: string;
}

/** Agreed to another set before; or is not in this one. */
export interface Refused {
  readonly kind: 'refused';
  readonly group: string;
  readonly reason: string;
}

/** The group is formed, and this is its configuration. */
export interface Formed {
  readonly kind: 'formed';
  readonly membership: Membership;
}

/** "My store is in this start, and at this position; this is how the start found it" (S2a). */
export interface StandingMessage {
  readonly kind: 'standing';
  /** Wants to hear what is remembered of it. */
  readonly asks: boolean;
  readonly count: number;
  readonly nonce: number;
  readonly position: number;
  readonly found: Omit<Standing, 'store'>;
}

/** What is remembered of the store of whoever asked in the start of this nonce. */
export interface Recalled {
  readonly kind: 'recalled';
  readonly nonce: number;
  /** More than the store was found with: it is an older copy. */
  readonly contradicts: boolean;
  readonly position: number;
}

export type SleepMessage = SleepRequest | Asleep | Awake;

export type HostMessage =
  | Forward
  | ForwardAck
  | SleepMessage
  | Where
  | Form
  | Accepted
  | Refused
  | Formed
  | StandingMessage
  | Recalled;
export type HostMessageKind = HostMessage['kind'];

/** Never renumbered. */
export const hostMessageKinds: Readonly<
  Record<HostMessageKind, readonly [channel: number, kind: number]>
> = {
  forward: [channels.requests, 16],
  'forward-ack': [channels.requests, 17],
  sleep: [channels.requests, 18],
  asleep: [channels.requests, 19],
  awake: [channels.requests, 20],
  where: [channels.forming, 1],
  form: [channels.forming, 2],
  accepted: [channels.forming, 3],
  refused: [channels.forming, 4],
  formed: [channels.forming, 5],
  standing: [channels.forming, 6],
  recalled: [channels.forming, 7],
};

const kindOfCode = new Map(
  Object.entries(hostMessageKinds).map(([kind, [channel, code]]) => [
    channel * 256 + code,
    kind as HostMessageKind,
  ]),
);

export function writeHostMessage(message: HostMessage, out: FrameWriter): void {
  const { fields } = out;
  switch (message.kind) {
    case 'forward':
      fields.ballot(message.ballot);
      fields.u64(message.number);
      return out.value({ bytes: message.segments, checksum: crc32(message.segments) });
    case 'forward-ack':
      fields.ballot(message.ballot);
      fields.u64(message.epoch);
      return fields.u64(message.received);
    case 'sleep':
      fields.ballot(message.ballot);
      fields.u64(message.round);
      return fields.u64(message.decidedThrough);
    case 'asleep':
      fields.ballot(message.ballot);
      return fields.u64(message.round);
    case 'awake':
      return fields.ballot(message.ballot);
    case 'where':
      return;
    case 'form':
    case 'formed': {
      const bytes = encodeMembership(message.membership);
      return out.value({ bytes, checksum: crc32(bytes) });
    }
    case 'accepted':
      return fields.raw(Buffer.from(message.group, 'hex'));
    case 'refused': {
      fields.raw(Buffer.from(message.group, 'hex'));
      const reason = Buffer.from(message.reason.slice(0, 500));
      return out.value({ bytes: reason, checksum: crc32(reason) });
    }
    case 'standing':
      fields.u8(message.asks ? 1 : 0);
      writeStanding(message, fields);
      return writeStanding(message.found, fields);
    case 'recalled':
      fields.u64(message.nonce);
      fields.u8(message.contradicts ? 1 : 0);
      return fields.u64(message.position);
    default:
      return unreachable(message);
  }
}

/** FrameError for anything that is no message; undefined for a kind that is not a host's. */
export function readHostMessage(frame: Frame, membersMax: number): HostMessage | undefined {
  const kind = kindOfCode.get(frame.channel * 256 + frame.kind);
  if (kind === undefined) return undefined;
  const message = readFields(kind, frame, membersMax);
  frame.fields.end();
  frame.values.end();
  return message;
}

function readFields(kind: HostMessageKind, frame: Frame, membersMax: number): HostMessage {
  const { fields, values } = frame;
  switch (kind) {
    case 'forward': {
      const ballot = fields.ballot();
      return { kind, ballot, number: fields.u64(), segments: values.nextBytes(fields) };
    }
    case 'forward-ack':
      return { kind, ballot: fields.ballot(), epoch: fields.u64(), received: fields.u64() };
    case 'sleep': {
      const ballot = fields.ballot();
      return { kind, ballot, round: fields.u64(), decidedThrough: fields.u64() };
    }
    case 'asleep':
      return { kind, ballot: fields.ballot(), round: fields.u64() };
    case 'awake':
      return { kind, ballot: fields.ballot() };
    case 'where':
      return { kind };
    case 'form':
    case 'formed':
      return { kind, membership: decodeMembership(values.nextBytes(fields), membersMax) };
    case 'accepted':
      return { kind, group: Buffer.from(fields.raw(8)).toString('hex') };
    case 'refused': {
      const group = Buffer.from(fields.raw(8)).toString('hex');
      const reason = Buffer.from(values.nextBytes(fields)).toString('utf8');
      if (reason.length > 500) throw new FrameError('a reason of more than 500 characters');
      return { kind, group, reason };
    }
    case 'standing': {
      const asks = fields.u8() === 1;
      return { kind, asks, ...readStanding(fields), found: readStanding(fields) };
    }
    case 'recalled': {
      const nonce = fields.u64();
      return { kind, nonce, contradicts: fields.u8() === 1, position: fields.u64() };
    }
    default:
      return unreachable(kind);
  }
}

function writeStanding(standing: Omit<Standing, 'store'>, fields: Writer): void {
  fields.u64(standing.count);
  fields.u64(standing.nonce);
  fields.u64(standing.position);
}

const readStanding = (fields: Reader): Omit<Standing, 'store'> => ({
  count: fields.u64(),
  nonce: fields.u64(),
  position: fields.u64(),
});

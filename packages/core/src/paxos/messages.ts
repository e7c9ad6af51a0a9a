/**
 * What replicas of one configuration say to each other.
 *
 *   candidate                    the others               leader               the others
 *      │ ── may-i ───────────────▶ │                         │ ── 2a (slot 17) ───▶ │ vote, sync
 *      │ ◀─────────────── you-may ─│                         │ ── 2a (slot 18) ───▶ │
 *      │ own promise durable       │                         │ ◀─ 2b (through 18) ─ │
 *      │ ── 1a ──────────────────▶ │ promise durable         │ quorum: 17, 18 decided
 *      │ ◀──────────── 1b / nack ──│                         │ ── 2a / heartbeat ─▶ │ execute
 *      │ more to tell: 1a again    │
 *      ▼ leads: 2a for what 1b's reported, no-op for holes   │ ◀─ heartbeat-answer, grant ─│
 *
 * Whoever missed slots asks any replica: learn-request ▸ learn-reply.
 */
import type { Ballot } from './ballot.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/** What one acceptor knows of one slot when it promises (P4). */
export type Reported =
  | { readonly slot: Slot; readonly state: 'voted'; readonly ballot: Ballot; readonly value: Value }
  | { readonly slot: Slot; readonly state: 'decided'; readonly value: Value }
  /** A vote was cast here in `ballot`, but its value can no longer be read (S3). */
  | { readonly slot: Slot; readonly state: 'lost'; readonly ballot: Ballot };

/** A proposer asks for promises for its ballot, and what is known from `fromSlot` on (P4). */
export interface Phase1a {
  readonly kind: '1a';
  readonly ballot: Ballot;
  /** The first slot that the proposer does not know to be decided. */
  readonly fromSlot: Slot;
  /** The leader of this ballot, of no other, has given its lease up (L4); zero: of none. */
  readonly freed: Ballot;
  /** Room for what an application wants to send along; at most `cookieBytesMax`. */
  readonly cookie: Uint8Array;
}

/** A promise, or a part of one: it counts once every slot from the first 1a's on is told of. */
export interface Phase1b {
  readonly kind: '1b';
  readonly ballot: Ballot;
  /** The first slot that it tells of, as the 1a asked. */
  readonly fromSlot: Slot;
  /** The first slot that it knows of and leaves out, for the proposer to ask on from there. */
  readonly nextSlot: Slot | undefined;
  /** Slots below are truncated here, so they are decided, but cannot be learned here (R7). */
  readonly firstSlot: Slot;
  /** Every slot up to here is decided, and can be learned here from `firstSlot` on. */
  readonly decidedThrough: Slot;
  /** Every slot from max(fromSlot, decidedThrough + 1) to nextSlot that this acceptor knows of. */
  readonly reported: readonly Reported[];
}

/** "Every slot from the ballot's base to `through` is voted for or decided, durably" (P6). */
export interface Phase2b {
  readonly kind: '2b';
  readonly ballot: Ballot;
  readonly through: Slot;
  /** 64 bits for the application, last value only. */
  readonly payload: bigint;
}

/**
 * "From when heartbeat `round` came I give no 1b against you, and do not stand against you, for its
 * leaseMs of my clock" (Q2). A restart must wait as long, so it must know how long.
 */
export interface Grant {
  readonly kind: 'grant';
  readonly ballot: Ballot;
  readonly round: number;
}

/** Reveal what must not be forgotten: they leave only once it is durable (P2). */
export type DurableMessage = Phase1a | Phase1b | Phase2b | Grant;

/** A proposer asks for votes for one value in one slot (P3). Counts as hearing from the leader. */
export interface Phase2a {
  readonly kind: '2a';
  readonly ballot: Ballot;
  /** The first slot that the proposer proposed in this ballot (P6). */
  readonly base: Slot;
  readonly slot: Slot;
  readonly value: Value;
  readonly decidedThrough: Slot;
  readonly cookie: Uint8Array;
}

/** A higher ballot was promised: the one that is refused has no more to hope for here (P1). */
export interface Nack {
  readonly kind: 'nack';
  /** The ballot that is refused. */
  readonly ballot: Ballot;
  readonly promised: Ballot;
}

/** "I lead in this ballot." Every one is answered, and with a 2b as well (L1, P6). */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly ballot: Ballot;
  readonly base: Slot;
  readonly decidedThrough: Slot;
  /** Counts up; the answers carry it back (Q1, Q2). */
  readonly round: number;
  /** The lease that it asks for, in milliseconds; 0: none (Q2). */
  readonly leaseMs: number;
}

/** Between heartbeats, for followers to execute at once; not answered. */
export interface Decided {
  readonly kind: 'decided';
  readonly ballot: Ballot;
  readonly base: Slot;
  readonly decidedThrough: Slot;
}

/** "I had promised nothing above this ballot when heartbeat `round` came." */
export interface HeartbeatAnswer {
  readonly kind: 'heartbeat-answer';
  readonly ballot: Ballot;
  readonly round: number;
  readonly executedThrough: Slot;
  /** Its medium has no room for more values (S5): it is no successor. */
  readonly full: boolean;
}

/** Pre-vote (L1): would you promise a ballot above this one? */
export interface MayI {
  readonly kind: 'may-i';
  readonly ballot: Ballot;
}
/** The answer to a may-i by whoever hears of no leader: that ballot may be exceeded (L1). */
export interface YouMay {
  readonly kind: 'you-may';
  readonly ballot: Ballot;
}

/** A leader's word to one member: stand at once, it gives its place up to it (L3, L4). */
export interface StandNow {
  readonly kind: 'stand-now';
  readonly ballot: Ballot;
}

/** Whoever missed slots asks for their values, any replica that may have them (R1). */
export interface LearnRequest {
  readonly kind: 'learn-request';
  readonly fromSlot: Slot;
  /** The answer holds at most this many bytes of values, but at least one value if there is one. */
  readonly bytesMax: number;
}
/** Of released slots only, and so whatever configuration either is in (R1). */
export interface LearnReply {
  readonly kind: 'learn-reply';
  readonly fromSlot: Slot;
  /** Decided values of consecutive slots from `fromSlot`; facts of the log, whatever the ballot. */
  readonly values: readonly Value[];
  readonly firstSlot: Slot;
  readonly decidedThrough: Slot;
}

/** Asks a leader for a slot at which a read that began before the request is linearizable (Q1). */
export interface ReadRequest {
  readonly kind: 'read-request';
  readonly number: number;
}
/** The answer of a leader to a read-request, under its number. */
export interface ReadAnswer {
  readonly kind: 'read-answer';
  readonly number: number;
  /** Read after executing through here; undefined: refused, ask again. */
  readonly slot: Slot | undefined;
}

/** Promise nothing that a restart could break: they leave at once. */
export type VolatileMessage =
  | Phase2a
  | Nack
  | Heartbeat
  | Decided
  | HeartbeatAnswer
  | MayI
  | YouMay
  | StandNow
  | LearnRequest
  | LearnReply
  | ReadRequest
  | ReadAnswer;

/** All that replicas of one configuration say to each other. */
export type Message = DurableMessage | VolatileMessage;
/** The name of each message, as the tables of the wire format have it. */
export type MessageKind = Message['kind'];

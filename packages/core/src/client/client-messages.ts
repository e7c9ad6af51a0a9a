/**
 * What a client and a replica say to each other.
 *
 *   client                          replica
 *     │ ── hello (group) ───────────▶ │
 *     │ ◀─ welcome (leader) / refused │
 *     │ ── ask open a session ──────▶ │  a word in the log
 *     │ ◀─ answer (its name) ──────── │
 *     │ ── commands 1 … 64 ─────────▶ │  Relay.propose
 *     │ ── commands 65 … 80 ────────▶ │
 *     │ ◀─ results 1 … 64 ─────────── │
 *     │ ◀─ leader (its address) ───── │  the client moves there, and sends 65 … 80 again
 */
import { FrameWriter, channels, type Frame } from '../codec/frame.ts';
import { crc32 } from '../codec/checksum.ts';
import { FrameError, type Outcome } from '../errors.ts';
import { noGroup } from '../paxos/membership.ts';
import { unreachable } from '../unreachable.ts';

export const clientProtocolVersion = 1;

export interface Hello {
  readonly kind: 'hello';
  readonly version: number;
  /** The group's name. */
  readonly group: string;
}

/** Where the leader takes clients in; empty if it is not known, or takes none. */
export interface LeaderHint {
  readonly kind: 'leader';
  readonly address: string;
}

export interface Welcome {
  readonly kind: 'welcome';
  readonly replica: number;
  readonly leader: string;
  readonly commandBytesMax: number;
}

/** The connection is of no use, and ends. */
export interface RefusedClient {
  readonly kind: 'refused';
  readonly reason: string;
}

/** A segment of a session; its own sequences are the session's. */
export interface ClientCommands {
  readonly kind: 'commands';
  readonly timeoutMs: number;
  readonly segment: Uint8Array;
}

/** As a segment of the session: the results of consecutive sequences. */
export interface ClientResults {
  readonly kind: 'results';
  readonly segment: Uint8Array;
}

/** One command of the session of that name has no result. */
export interface ClientFailed {
  readonly kind: 'failed';
  readonly slot: number;
  readonly offset: number;
  readonly sequence: number;
  readonly problem: Problem;
}

export interface Problem {
  readonly code: string;
  readonly outcome: Outcome;
  readonly message: string;
}

/** `question` is JSON and bytes: see `Question`. */
export interface Ask {
  readonly kind: 'ask';
  readonly number: number;
  readonly timeoutMs: number;
  readonly question: Question;
  /** Of a query, for the state machine. */
  readonly bytes: Uint8Array;
}

export type Question =
  | { readonly what: 'open'; readonly ttlMs: number }
  | { readonly what: 'use'; readonly session: string; readonly acknowledged: number }
  | { readonly what: 'close'; readonly session: string }
  | { readonly what: 'query'; readonly level: string | { readonly atLeast: number } }
  | { readonly what: 'status' }
  | { readonly what: 'watch'; readonly on: boolean };

export interface Answer {
  readonly kind: 'answer';
  readonly number: number;
  /** The very slot that the answer to a query reflects; 0 otherwise. */
  readonly slot: number;
  readonly bytes: Uint8Array;
}

export interface Denied {
  readonly kind: 'denied';
  readonly number: number;
  readonly problem: Problem;
}

/** To whoever watches: a ReplicaStatus, as JSON. */
export interface StatusMessage {
  readonly kind: 'status';
  readonly bytes: Uint8Array;
}

export type ClientMessage =
  | Hello
  | Welcome
  | RefusedClient
  | LeaderHint
  | ClientCommands
  | ClientResults
  | ClientFailed
  | Ask
  | Answer
  | Denied
  | StatusMessage;
export type ClientMessageKind = ClientMessage['kind'];

/** Never renumbered. */
export const clientMessageKinds = {
  hello: 1,
  welcome: 2,
  refused: 3,
  leader: 4,
  commands: 5,
  results: 6,
  failed: 7,
  ask: 8,
  answer: 9,
  denied: 10,
  status: 11,
} as const satisfies Record<ClientMessageKind, number>;

const kindOf = new Map(
  Object.entries(clientMessageKinds).map(([kind, code]): [number, ClientMessageKind] => [
    code,
    kind as ClientMessageKind,
  ]),
);

const envelope = { group: noGroup, configuration: 0, fingerprint: 0 };

/** The frame's parts; written by nobody any more. */
export function clientFrame(message: ClientMessage): readonly Uint8Array[] {
  const out = new FrameWriter();
  out.begin(channels.clients, clientMessageKinds[message.kind], envelope);
  writeFields(message, out);
  return out.end();
}

function writeFields(message: ClientMessage, out: FrameWriter): void {
  const { fields } = out;
  switch (message.kind) {
    case 'hello':
      fields.u16(message.version);
      return text(message.group, out);
    case 'welcome':
      fields.u16(message.replica);
      fields.u32(message.commandBytesMax);
      return text(message.leader, out);
    case 'refused':
      return text(message.reason, out);
    case 'leader':
      return text(message.address, out);
    case 'commands':
      fields.u32(message.timeoutMs);
      return bytes(message.segment, out);
    case 'results':
      return bytes(message.segment, out);
    case 'failed':
      fields.u64(message.slot);
      fields.u32(message.offset);
      fields.u64(message.sequence);
      return json(message.problem, out);
    case 'ask':
      fields.u32(message.number);
      fields.u32(message.timeoutMs);
      json(message.question, out);
      return bytes(message.bytes, out);
    case 'answer':
      fields.u32(message.number);
      fields.u64(message.slot);
      return bytes(message.bytes, out);
    case 'denied':
      fields.u32(message.number);
      return json(message.problem, out);
    case 'status':
      return bytes(message.bytes, out);
    default:
      return unreachable(message);
  }
}

/** FrameError for anything that is no message of this protocol. */
export function readClientMessage(frame: Frame): ClientMessage {
  const kind = kindOf.get(frame.kind);
  if (frame.channel !== channels.clients || kind === undefined) {
    throw new FrameError('no message between a client and a replica');
  }
  const message = readFields(kind, frame);
  frame.fields.end();
  frame.values.end();
  return message;
}

function readFields(kind: ClientMessageKind, { fields, values }: Frame): ClientMessage {
  const next = (): Uint8Array => values.nextBytes(fields);
  switch (kind) {
    case 'hello':
      return { kind, version: fields.u16(), group: textOf(next()) };
    case 'welcome': {
      const replica = fields.u16();
      const commandBytesMax = fields.u32();
      return { kind, replica, commandBytesMax, leader: textOf(next()) };
    }
    case 'refused':
      return { kind, reason: textOf(next()) };
    case 'leader':
      return { kind, address: textOf(next()) };
    case 'commands':
      return { kind, timeoutMs: fields.u32(), segment: next() };
    case 'results':
      return { kind, segment: next() };
    case 'failed': {
      const name = { slot: fields.slot(), offset: fields.u32() };
      return { kind, ...name, sequence: fields.u64(), problem: problemIn(next()) };
    }
    case 'ask': {
      const number = fields.u32();
      const timeoutMs = fields.u32();
      return { kind, number, timeoutMs, question: questionIn(next()), bytes: next() };
    }
    case 'answer':
      return { kind, number: fields.u32(), slot: fields.slot(), bytes: next() };
    case 'denied':
      return { kind, number: fields.u32(), problem: problemIn(next()) };
    case 'status':
      return { kind, bytes: next() };
    default:
      return unreachable(kind);
  }
}

function bytes(value: Uint8Array, out: FrameWriter): void {
  out.value({ bytes: value, checksum: crc32(value) });
}

const text = (value: string, out: FrameWriter): void => bytes(Buffer.from(value), out);
const json = (value: unknown, out: FrameWriter): void => text(JSON.stringify(value), out);
const textOf = (value: Uint8Array): string => Buffer.from(value).toString();

function objectIn(value: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(textOf(value));
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // Falls through: whatever it is, it is not what was agreed on.
  }
  throw new FrameError('no JSON object');
}

const outcomes: readonly string[] = ['not-executed', 'executed', 'unknown', 'none'];

function problemIn(value: Uint8Array): Problem {
  const { code, outcome, message } = objectIn(value);
  if (typeof code !== 'string' || typeof message !== 'string') throw new FrameError('no problem');
  if (typeof outcome !== 'string' || !outcomes.includes(outcome)) {
    throw new FrameError('a problem with no known outcome');
  }
  return { code, outcome: outcome as Outcome, message };
}

function questionIn(value: Uint8Array): Question {
  const given = objectIn(value);
  const { acknowledged, level, on, session, ttlMs, what } = given;
  const isNamed = typeof session === 'string';
  if (what === 'open' && typeof ttlMs === 'number') return { what, ttlMs };
  if (what === 'use' && isNamed && typeof acknowledged === 'number') {
    return { what, session, acknowledged };
  }
  if (what === 'close' && isNamed) return { what, session };
  if (what === 'query') return { what, level: levelIn(level) };
  if (what === 'status') return { what };
  if (what === 'watch' && typeof on === 'boolean') return { what, on };
  throw new FrameError('a question that nobody understands');
}

function levelIn(level: unknown): string | { readonly atLeast: number } {
  if (typeof level === 'string') return level;
  const { atLeast } = (level ?? {}) as { readonly atLeast?: unknown };
  if (typeof atLeast === 'number') return { atLeast };
  throw new FrameError('a level that nobody understands');
}

/**
 * The bytes of all sessions, the same on every replica after the same slot. Little-endian.
 *
 *   u8 format, 1; u64 led time; u32 count; sessions, in the order in which they were opened;
 *   u32 count; the places, in that order, of those with results, the one used longest ago first
 *   session   name; u32 time-out; u64 used; u64 acknowledged; u32 count; executed sequences
 *   executed  u64 sequence; u32 bytes of its result + 1, 0 if it is not kept; the result
 */
import { copied, Reader, Writer } from '../codec/bytes.ts';
import { FrameError } from '../errors.ts';
import type { Session } from './session.ts';
import { sessionLimits } from './session-limits.ts';
import { compareSessions } from './session-name.ts';
import { Sessions } from './sessions.ts';

const format = 1;
const sessionBytesMin = 36;
const { sessionTtlMsMax, sessionTtlMsMin } = sessionLimits;

export function encodeSessions(sessions: Sessions): Uint8Array {
  const out = new Writer();
  writeSessions(sessions, out);
  return out.copy();
}

/** The same, behind what was written: with many results every copy counts. */
export function writeSessions(sessions: Sessions, out: Writer): void {
  const all = [...sessions.all()];
  out.u8(format);
  out.u64(sessions.ledMs);
  out.u32(all.length);
  for (const session of all) writeSession(session, out);
  const places = new Map(all.map((session, place) => [session.id, place]));
  const holding = [...sessions.holding()];
  out.u32(holding.length);
  for (const { id } of holding) out.u32(places.get(id) as number);
}

/** FrameError unless `encodeSessions` has written it. */
export function decodeSessions(bytes: Uint8Array): Sessions {
  const fields = new Reader(bytes);
  if (fields.u8() !== format) throw new FrameError('sessions of another format');
  const sessions = new Sessions();
  sessions.pass(fields.u64());
  const all: Session[] = [];
  for (let left = counted(fields, sessionBytesMin); left > 0; left -= 1) {
    all.push(readSession(fields, sessions, all.at(-1)));
  }
  const waiting = new Set(all.filter(({ bytes: kept }) => kept > 0));
  for (let left = counted(fields, 4); left > 0; left -= 1) {
    const session = all[fields.u32()];
    if (session === undefined || !waiting.delete(session)) {
      throw new FrameError('an order of use that names a session without results, or twice');
    }
    sessions.hold(session);
  }
  if (waiting.size > 0) throw new FrameError('an order of use that leaves out results');
  fields.end();
  return sessions;
}

function writeSession(session: Session, out: Writer): void {
  const executed = [...session.executed()];
  out.u64(session.slot);
  out.u32(session.offset);
  out.u32(session.ttlMs);
  out.u64(session.usedMs);
  out.u64(session.acknowledged);
  out.u32(executed.length);
  for (const [sequence, result] of executed) {
    out.u64(sequence);
    out.u32(result === undefined ? 0 : result.length + 1);
    if (result !== undefined) out.raw(result);
  }
}

function readSession(fields: Reader, sessions: Sessions, before: Session | undefined): Session {
  const name = { slot: fields.slot(), offset: fields.u32() };
  const ttlMs = fields.u32();
  const usedMs = fields.u64();
  if (before !== undefined && compareSessions(before, name) >= 0) {
    throw new FrameError('sessions that are not in the order of their names');
  }
  if (ttlMs < sessionTtlMsMin || ttlMs > sessionTtlMsMax || usedMs > sessions.ledMs) {
    throw new FrameError('a session with a time that cannot be');
  }
  const session = sessions.open(name, ttlMs, usedMs);
  if (session === undefined) throw new FrameError('more sessions than there may be');
  session.acknowledge(fields.u64());
  for (let left = counted(fields, 12); left > 0; left -= 1) {
    const sequence = fields.u64();
    const length = fields.u32();
    const result = length === 0 ? undefined : copied(fields.raw(length - 1));
    session.restore(sequence, result);
  }
  return session;
}

/** No more is ever allocated than there are bytes. */
function counted(fields: Reader, bytesMin: number): number {
  const count = fields.u32();
  if (count * bytesMin > fields.left) throw new FrameError('fewer items than it says');
  return count;
}

/**
 * The bytes of a segment: consecutive commands of one replica's callers, exactly as that replica
 * has encoded them. Little-endian.
 *
 *    0  u16  origin: the replica's id
 *    2  u16  kind: 0 commands, 1 commands of one session, 2 words about sessions
 *    4  u32  number of commands
 *    8  u64  epoch: which start of the replica
 *   16  u64  sequence of the first command
 *   24  u32  bytes of this segment
 *   28  u32  reserved, 0
 *
 * of a session, besides:
 *   32  u64  the slot that names the session
 *   40  u64  the session's own sequence of the first command
 *   48  u64  the client has the results of all sequences of the session up to this one
 *   56  u32  the offset that names the session
 *   60  u32  reserved, 0
 *
 * then, for each command, u32 where it ends, from the start of the commands; then the commands.
 */
import { FrameError } from '../errors.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { SessionName } from '../sessions/session-name.ts';
import { Reader } from './bytes.ts';

const kinds = ['commands', 'session', 'control'] as const;

/** Which commands of a session a segment holds, and what its client has the results of. */
export interface SessionPart extends SessionName {
  readonly firstSequence: number;
  readonly acknowledged: number;
}

/** Which commands a segment holds. */
export interface SegmentHeader {
  readonly origin: ReplicaId;
  /** Random, drawn at each start: a sequence of an earlier start is somebody else's. */
  readonly epoch: number;
  readonly firstSequence: number;
  /** Words about sessions (`encodeControl`), no commands of the state machine's. */
  readonly isControl: boolean;
  readonly session: SessionPart | undefined;
  readonly count: number;
  /** Of the whole segment, its header included. */
  readonly bytes: number;
}

export interface SegmentOrigin {
  readonly origin: ReplicaId;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly isControl?: boolean;
  readonly session?: SessionPart | undefined;
}

const plainHeaderBytes = 32;
const sessionPartBytes = 32;
export const segmentHeaderBytesMax = plainHeaderBytes + sessionPartBytes;
const two32 = 2 ** 32;

/** What a segment adds to a batch for one command of this length. */
export const segmentBytesOf = (commandBytes: number): number => commandBytes + 4;

export const headerBytesOf = ({ session }: Pick<SegmentOrigin, 'session'>): number =>
  session === undefined ? plainHeaderBytes : segmentHeaderBytesMax;

export function encodeSegment(header: SegmentOrigin, commands: readonly Uint8Array[]): Uint8Array {
  const ends = headerBytesOf(header);
  const start = ends + 4 * commands.length;
  let size = start;
  for (const command of commands) size += command.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  writeHeader(view, header, commands.length);
  let at = start;
  for (let i = 0; i < commands.length; i += 1) {
    const command = commands[i] as Uint8Array;
    bytes.set(command, at);
    at += command.length;
    view.setUint32(ends + 4 * i, at - start, true);
  }
  return bytes;
}

function writeHeader(view: DataView, header: SegmentOrigin, count: number): void {
  const { session, isControl = false } = header;
  view.setUint16(0, header.origin, true);
  view.setUint16(2, kinds.indexOf(kindOf(session, isControl)), true);
  view.setUint32(4, count, true);
  write64(view, 8, header.epoch);
  write64(view, 16, header.firstSequence);
  view.setUint32(24, view.byteLength, true);
  if (session === undefined) return;
  write64(view, 32, session.slot);
  write64(view, 40, session.firstSequence);
  write64(view, 48, session.acknowledged);
  view.setUint32(56, session.offset, true);
}

function kindOf(session: SessionPart | undefined, isControl: boolean): (typeof kinds)[number] {
  if (session !== undefined) return 'session';
  return isControl ? 'control' : 'commands';
}

/** The segment at the start of `bytes`; FrameError unless it is well formed to its end. */
export function checkSegment(bytes: Uint8Array): SegmentHeader {
  const reader = new Reader(bytes);
  const origin = reader.u16();
  const kind = kinds[reader.u16()];
  if (kind === undefined) throw new FrameError('a segment of no known kind');
  const count = reader.u32();
  const epoch = reader.u64();
  const firstSequence = reader.u64();
  const size = reader.u32();
  reader.u32();
  const session = kind === 'session' ? readSession(reader, count) : undefined;
  checkCommands(reader, bytes.length, size, count, headerBytesOf({ session }));
  return {
    origin,
    epoch,
    firstSequence,
    isControl: kind === 'control',
    session,
    count,
    bytes: size,
  };
}

/** Segments one after the other, each well formed; FrameError otherwise. */
export function checkSegments(bytes: Uint8Array): SegmentHeader[] {
  const headers: SegmentHeader[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = checkSegment(bytes.subarray(at));
    headers.push(header);
    at += header.bytes;
  }
  return headers;
}

/** The commands of a segment that `checkSegment` has checked. */
export function* commandsIn(segment: Uint8Array, header: SegmentHeader): Iterable<Uint8Array> {
  const ends = headerBytesOf(header);
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const start = ends + 4 * header.count;
  let before = start;
  for (let i = 0; i < header.count; i += 1) {
    const end = start + view.getUint32(ends + 4 * i, true);
    yield segment.subarray(before, end);
    before = end;
  }
}

function readSession(reader: Reader, count: number): SessionPart {
  const slot = reader.slot();
  const firstSequence = reader.u64();
  const acknowledged = reader.u64();
  const offset = reader.u32();
  reader.u32();
  if (firstSequence === 0 || !Number.isSafeInteger(firstSequence + count)) {
    throw new FrameError('sequences of a session begin at 1, and end below 2^53');
  }
  return { slot, offset, firstSequence, acknowledged };
}

function checkCommands(
  reader: Reader,
  available: number,
  size: number,
  count: number,
  headerBytes: number,
): void {
  if (size > available || size < headerBytes + 4 * count) {
    throw new FrameError('a segment that is not as long as it says');
  }
  const room = size - headerBytes - 4 * count;
  let before = 0;
  for (let i = 0; i < count; i += 1) {
    const end = reader.u32();
    if (end < before || end > room) throw new FrameError('a segment whose commands overlap');
    before = end;
  }
  if (before !== room) throw new FrameError('a segment with bytes that belong to no command');
}

export function write64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % two32, true);
  view.setUint32(at + 4, Math.floor(value / two32), true);
}

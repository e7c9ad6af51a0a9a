import { FrameError } from '@rsl/core';
import {
  type Frame,
  type FrameWriter,
  type LayerCodec,
  type Membership,
  membershipFromJson,
  membershipToJson,
  type SnapshotMeta,
} from '@rsl/core/protocol';
import type { Word } from '../words.ts';
import { chunkBytesMax } from './layer-options.ts';

/** Snapshots in one `have`. */
export const listedMax = 16;
/** Of a membership, as JSON: 31 members before and after a change take a tenth of it. */
const membershipBytesMax = 256 * 1024;

/** Never renumbered. */
export const wordKinds: Readonly<Record<Word['kind'], number>> = {
  ask: 1,
  have: 2,
  get: 3,
  chunk: 4,
  gone: 5,
  done: 6,
  digest: 7,
};

const wordOfKind = new Map(
  Object.entries(wordKinds).map(([kind, code]) => [code, kind as Word['kind']]),
);

/** What snapshot layers say to each other, as frames. Nothing that comes in is trusted. */
export const snapshotCodec: LayerCodec = {
  kindOf: (message) => wordKinds[(message as Word).kind],
  laneOf: (message) => ((message as Word).kind === 'chunk' ? 'bulk' : 'votes'),
  write: (message, out) => write(message as Word, out),
  read(frame) {
    const kind = wordOfKind.get(frame.kind);
    if (kind === undefined) return undefined;
    const word = read(kind, frame);
    frame.fields.end();
    frame.values.end();
    return word;
  },
};

function write(word: Word, out: FrameWriter): void {
  const { fields } = out;
  if (word.kind === 'ask') {
    fields.u64(word.need);
    return fields.u8(word.for === 'state' ? 1 : 0);
  }
  if (word.kind === 'have') return writeHave(word, out);
  fields.raw(Buffer.from(word.digest, 'hex'));
  if (word.kind === 'digest') {
    fields.u64(word.slot);
    fields.u16(word.layout);
  } else if (word.kind === 'get') {
    fields.u64(word.offset);
    fields.u32(word.bytesMax);
  } else if (word.kind === 'chunk') {
    fields.u64(word.offset);
    out.bytes(word.bytes);
  }
}

function read(kind: Word['kind'], frame: Frame): Word {
  const { fields, values } = frame;
  if (kind === 'ask') return readAsk(frame);
  if (kind === 'have') return readHave(frame);
  const digest = Buffer.from(fields.raw(32)).toString('hex');
  if (kind === 'gone' || kind === 'done') return { kind, digest };
  if (kind === 'digest') return { kind, digest, slot: fields.slot(), layout: fields.u16() };
  const offset = fields.u64();
  if (kind === 'get') {
    const bytesMax = fields.u32();
    if (bytesMax === 0) throw new FrameError('asks for no bytes');
    return { kind, digest, offset, bytesMax };
  }
  const bytes = values.nextBytes(fields);
  if (bytes.length === 0 || bytes.length > chunkBytesMax) {
    throw new FrameError(`a chunk of ${bytes.length} bytes, not of 1 to ${chunkBytesMax}`);
  }
  return { kind, digest, offset, bytes };
}

function readAsk({ fields }: Frame): Word {
  const need = fields.slot();
  const isForState = fields.u8();
  if (isForState > 1) throw new FrameError('neither for a state nor for a store');
  return { kind: 'ask', need, for: isForState === 1 ? 'state' : 'store' };
}

/** The newest ones; without those whose membership is larger than any can be. */
function writeHave({ leads, snapshots }: Word & { kind: 'have' }, out: FrameWriter): void {
  const { fields } = out;
  const rows = snapshots
    .map((meta) => ({ meta, membership: membershipToJson(meta.membership) }))
    .filter(({ membership }) => membership.length <= membershipBytesMax)
    .slice(0, listedMax);
  fields.u8(leads ? 1 : 0);
  fields.u8(rows.length);
  for (const { membership, meta } of rows) {
    fields.u64(meta.slot);
    fields.u16(meta.layout);
    fields.u64(meta.bytes);
    fields.raw(Buffer.from(meta.digest, 'hex'));
    out.bytes(membership);
  }
}

function readHave(frame: Frame): Word {
  const leads = frame.fields.u8();
  const count = frame.fields.u8();
  if (leads > 1) throw new FrameError('neither leads nor does not');
  if (count > listedMax) throw new FrameError(`${count} snapshots, at most ${listedMax}`);
  const snapshots = Array.from({ length: count }, () => readMeta(frame));
  return { kind: 'have', snapshots, leads: leads === 1 };
}

function readMeta(frame: Frame): SnapshotMeta {
  const { fields, values } = frame;
  const slot = fields.slot();
  const layout = fields.u16();
  const bytes = fields.u64();
  const digest = Buffer.from(fields.raw(32)).toString('hex');
  const membership = readMembership(values.nextBytes(fields));
  if (layout === 0) throw new FrameError('a snapshot of no layout');
  if (membership.firstSlot > slot + 1) {
    throw new FrameError('a snapshot whose membership does not govern the slot after it');
  }
  return { slot, membership, layout, bytes, digest };
}

function readMembership(json: Uint8Array): Membership {
  if (json.length > membershipBytesMax) throw new FrameError('a membership too large');
  const membership = membershipFromJson(json);
  if (membership === undefined) throw new FrameError('no membership');
  return membership;
}

import type { SnapshotMeta } from '@rsl/core/protocol';
import type { OpenFile } from './files.ts';
import {
  decodeEnd,
  decodeHeader,
  endBytes,
  type Header,
  headerLength,
  metaOf,
  Places,
  prefixBytes,
} from './snapshot-file.ts';

/** What a file says of itself, and where its bytes are. */
export interface Found {
  readonly header: Header;
  readonly meta: SnapshotMeta;
  readonly places: Places;
}

/** Why a file is not to be believed. */
export interface Unbelievable {
  readonly header: Header | undefined;
  readonly offset: number;
  readonly problem: string;
}

/** Header and end of a file that was committed; its chunks are not looked at. */
export async function look(file: OpenFile): Promise<Found | Unbelievable> {
  const headed = await lookAtHeader(file);
  if (headed === undefined) {
    return { header: undefined, offset: 0, problem: 'this is no header of a snapshot' };
  }
  const { bytes, header } = headed;
  const fileBytes = await file.length();
  const endAt = Math.max(bytes.length, fileBytes - endBytes);
  const end = decodeEnd(bytes, await file.read(endAt, endBytes));
  if (end === undefined)
    return { header, offset: endAt, problem: 'this is no end that fits the header' };
  const places = new Places(bytes.length, header.chunkBytes);
  if (places.endOf(end.bytes) + endBytes !== fileBytes) {
    const problem = `${fileBytes} bytes are not what ${end.bytes} bytes of content take`;
    return { header, offset: endAt, problem };
  }
  return { header, meta: metaOf(header.about, end), places };
}

export const isFound = (looked: Found | Unbelievable): looked is Found => 'meta' in looked;

/** Undefined if the file does not begin with a whole header. */
export async function lookAtHeader(
  file: OpenFile,
): Promise<{ readonly bytes: Uint8Array; readonly header: Header } | undefined> {
  const length = headerLength(await file.read(0, prefixBytes));
  if (length === undefined) return undefined;
  const bytes = await file.read(0, length);
  const header = decodeHeader(bytes);
  return header && { bytes, header };
}

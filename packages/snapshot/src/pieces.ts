import type { SnapshotReader } from '@rsl/core/protocol';

/** Read at a time. */
const pieceBytes = 256 * 1024;

/** All content, a piece at a time. `about` hears where each begins. */
export async function* piecesOf(
  reader: SnapshotReader,
  about?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < reader.meta.bytes; ) {
    about?.(at);
    const piece = await reader.read(at, pieceBytes);
    at += piece.length;
    yield piece;
  }
}

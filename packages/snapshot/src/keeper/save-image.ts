import type {
  SnapshotAbout,
  SnapshotMeta,
  SnapshotStore,
  SnapshotWriter,
} from '@rsl/core/protocol';

/** Thrown when a save is given up. */
export const abandoned = new Error('this save was given up');

/** So much is written before everybody else has had a turn. */
const sliceBytes = 256 * 1024;

export interface SaveImage {
  readonly isAbandoned: () => boolean;
  readonly wrote: (bytes: number) => void;
  /** After so many bytes: resolves once others have had their turn, and more may be written. */
  readonly rest: (bytes: number) => Promise<void>;
}

/** Writes an image as a snapshot, a piece at a time; or leaves nothing of it. */
export async function saveImage(
  store: SnapshotStore,
  about: SnapshotAbout,
  image: AsyncIterableIterator<Uint8Array, undefined, undefined>,
  run: SaveImage,
): Promise<SnapshotMeta> {
  let writer: SnapshotWriter | undefined;
  try {
    writer = await store.create(about);
    await writeAll(writer, image, run);
    return await writer.commit();
  } catch (error) {
    await writer?.abort().catch(() => {});
    throw error;
  } finally {
    await image.return?.();
  }
}

async function writeAll(
  writer: SnapshotWriter,
  image: AsyncIterable<Uint8Array>,
  { isAbandoned, rest, wrote }: SaveImage,
): Promise<void> {
  let slice = 0;
  for await (const piece of image) {
    if (isAbandoned()) throw abandoned;
    await writer.write(piece);
    wrote(writer.bytes);
    slice += piece.length;
    if (slice < sliceBytes) continue;
    await rest(slice);
    slice = 0;
  }
  if (isAbandoned()) throw abandoned;
}

import { createHash } from 'node:crypto';
import type { OpenFile } from '../files.ts';
import type { Found } from '../look.ts';
import { chunkPrefixBytes, decodeChunk, type Places } from '../snapshot-file.ts';
import type { Damage } from './report.ts';

/** So many are told; the others are counted. */
const damageMax = 1_000;

/** What was found to be damaged, bounded. */
export class Damages {
  readonly list: Damage[] = [];
  count = 0;

  add(file: string, offset: number, problem: string): void {
    this.count += 1;
    if (this.list.length < damageMax) this.list.push({ file, offset, problem });
  }
}

/** Reads all content, also behind a chunk that is damaged. */
export async function verified(
  name: string,
  file: OpenFile,
  { meta, places }: Found,
  damages: Damages,
): Promise<boolean> {
  const hash = createHash('sha256');
  let isWhole = true;
  for (let number = 0; number * places.chunkBytes < meta.bytes; number += 1) {
    const place = places.startOf(number);
    const chunk = await file.read(place, places.lengthOf(number, meta.bytes));
    const content = decodeChunk(number, chunk);
    if (content === undefined) {
      damages.add(name, place, `chunk ${number} fails its checksum`);
      isWhole = false;
    } else hash.update(content);
  }
  if (!isWhole) return false;
  if (hash.digest('hex') === meta.digest) return true;
  damages.add(name, 0, 'the digest is not that of the content');
  return false;
}

/** Content in whole chunks from the first one on. */
export async function goodBytes(file: OpenFile, places: Places): Promise<number> {
  for (let number = 0; ; number += 1) {
    const chunk = await file.read(places.startOf(number), chunkPrefixBytes + places.chunkBytes);
    const content = decodeChunk(number, chunk);
    if (content?.length !== places.chunkBytes) return number * places.chunkBytes;
  }
}

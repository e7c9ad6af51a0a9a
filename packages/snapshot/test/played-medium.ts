/**
 * A medium that keeps what was made durable and nothing more: after each call it tells what a crash
 * may leave there.
 */
import type { Files, OpenFile } from '../src/files.ts';

/** The bytes of one file: as they are read, and as they are on the medium for sure. */
interface Content {
  bytes: Uint8Array;
  durable: Uint8Array;
}

type Names = Map<string, Content>;

const missing = (file: string): Error =>
  Object.assign(new Error(`ENOENT: ${file}`), { code: 'ENOENT' });

export interface Image {
  /** Which call the crash comes after. */
  readonly after: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export class PlayedMedium implements Files {
  /** As programs see them. */
  #names: Names;
  /** As they are after a crash, whatever the order in which the rest is written. */
  #durableNames: Names;
  /** Hears of every call once it is done, the failed ones too. */
  onCall: (call: string) => void = () => {};
  /** How much more can be written. */
  bytesFree = Infinity;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    const contents = [...files].map(
      ([name, bytes]) => [name, { bytes: bytes.slice(), durable: bytes.slice() }] as const,
    );
    this.#names = new Map(contents);
    this.#durableNames = new Map(contents);
  }

  bytesOf(file: string): Uint8Array {
    return this.#names.get(file)?.bytes ?? new Uint8Array(0);
  }

  /** The same once more, as programs see it. */
  copy(): PlayedMedium {
    return new PlayedMedium(bytesOf(this.#names, current));
  }

  /** A bit of this byte is another one. */
  flip(file: string, at: number): void {
    const bytes = this.bytesOf(file);
    bytes[at] = (bytes[at] as number) ^ 0x10;
  }

  /** Of what is not durable nothing, everything, or an arbitrary part may be there. */
  *images(after: string, chance: (below: number) => number): Generator<Image> {
    yield { after: `${after}, nothing else`, files: bytesOf(this.#durableNames, durable) };
    yield { after: `${after}, everything`, files: bytesOf(this.#names, current) };
    yield { after: `${after}, no names`, files: bytesOf(this.#durableNames, current) };
    yield { after: `${after}, names only`, files: bytesOf(this.#names, durable) };
    const torn = (content: Content): Uint8Array => tornOf(content, chance);
    yield { after: `${after}, torn`, files: bytesOf(this.#names, torn) };
    yield { after: `${after}, torn, no names`, files: bytesOf(this.#durableNames, torn) };
  }

  open = async (file: string, how: 'create' | 'write' | 'read'): Promise<OpenFile> => {
    const known = this.#names.get(file);
    if (how === 'create') {
      if (known !== undefined) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
      const content = { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
      this.#names.set(file, content);
      this.onCall('create');
      return this.#fileOf(content);
    }
    if (known === undefined) throw missing(file);
    return this.#fileOf(known);
  };

  rename = async (from: string, to: string): Promise<void> => {
    const content = this.#names.get(from);
    if (content === undefined) throw missing(from);
    this.#names.delete(from);
    this.#names.set(to, content);
    this.onCall('rename');
  };

  remove = async (file: string): Promise<void> => {
    this.#names.delete(file);
    this.onCall('remove');
  };

  list = async (directory: string): Promise<readonly string[]> => {
    const prefix = `${directory}/`;
    return [...this.#names.keys()].map((name) => name.slice(prefix.length));
  };

  syncDirectory = async (): Promise<void> => {
    this.#durableNames = new Map(this.#names);
    this.onCall('sync directory');
  };

  /** The others are other media. */
  lock = async () => ({ release: async (): Promise<void> => {} });

  makeDirectory = async (): Promise<void> => {};

  #fileOf(content: Content): OpenFile {
    return {
      write: async (parts, position) => {
        for (const part of parts) {
          const end = position + part.length;
          this.bytesFree -= Math.max(0, end - content.bytes.length);
          if (this.bytesFree < 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
          const bytes = new Uint8Array(Math.max(content.bytes.length, end));
          bytes.set(content.bytes);
          bytes.set(part, position);
          content.bytes = bytes;
          position = end;
        }
        this.onCall('write');
      },
      read: async (position, bytesMax) => content.bytes.slice(position, position + bytesMax),
      length: async () => content.bytes.length,
      cut: async (length) => {
        content.bytes = content.bytes.slice(0, length);
        this.onCall('cut');
      },
      sync: async () => {
        content.durable = content.bytes.slice();
        this.onCall('sync');
      },
      close: async () => {},
    };
  }
}

const durable = (content: Content): Uint8Array => content.durable;
const current = (content: Content): Uint8Array => content.bytes;

const bytesOf = (
  names: Names,
  of: (content: Content) => Uint8Array,
): ReadonlyMap<string, Uint8Array> =>
  new Map([...names].map(([name, content]) => [name, of(content).slice()]));

const sectorBytes = 512;

/** Each sector as it was or as it is; the length as it was, as it is, or in between. */
function tornOf(
  { bytes, durable: before }: Content,
  chance: (below: number) => number,
): Uint8Array {
  const least = Math.min(bytes.length, before.length);
  const length = least + chance(Math.abs(bytes.length - before.length) + 1);
  const torn = new Uint8Array(length);
  for (let at = 0; at < length; at += sectorBytes) {
    const source = chance(2) === 0 ? bytes : before;
    torn.set(source.subarray(at, Math.min(at + sectorBytes, length)), at);
  }
  return torn;
}

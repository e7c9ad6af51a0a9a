import fs from 'node:fs';
import path from 'node:path';
import { type CrashFiles, type Survives } from '../crash-files.ts';
import { temporaryDirectory } from '../stage.ts';

/** What is on a medium, by name. */
export type Contents = Map<string, Buffer>;

const all: Survives = () => true;

export function contentsOf(directory: string): Contents {
  const names = fs.readdirSync(directory, { withFileTypes: true }).filter((e) => e.isFile());
  return new Map(
    names.map(({ name }) => [name, fs.readFileSync(path.join(directory, name))] as const),
  );
}

export function written(contents: Contents): string {
  const directory = temporaryDirectory();
  for (const [name, bytes] of contents) fs.writeFileSync(path.join(directory, name), bytes);
  return directory;
}

/** What a crash during step `at` leaves, and how many groups had been said to be durable. */
export function imageAt(
  files: CrashFiles,
  at: number,
  survives: Survives,
  names: Survives,
): { contents: Contents; durable: number } {
  const directory = temporaryDirectory();
  const durable = files.image(directory, at, survives, names) ?? 0;
  const contents = contentsOf(directory);
  fs.rmSync(directory, { recursive: true });
  return { contents, durable };
}

/** The bytes that the write of step `at` changes. */
export function changesAt(
  files: CrashFiles,
  at: number,
): { readonly name: string; readonly offsets: readonly number[] } | undefined {
  const before = imageAt(files, at, () => false, all).contents;
  const after = imageAt(files, at, all, all).contents;
  for (const [name, bytes] of after) {
    const old = before.get(name) ?? Buffer.alloc(0);
    if (old.equals(bytes)) continue;
    const offsets: number[] = [];
    for (let i = 0; i < bytes.length; i += 1) if (old[i] !== bytes[i]) offsets.push(i);
    return { name, offsets };
  }
  return undefined;
}

/** The write of step `at` is there up to a byte in its middle, and nothing behind it. */
export function tornAt(files: CrashFiles, at: number, part: number): Contents {
  const before = imageAt(files, at, () => false, all).contents;
  const after = imageAt(files, at, all, all).contents;
  const changes = changesAt(files, at);
  if (changes === undefined) return before;
  const { name, offsets } = changes;
  const torn = Buffer.from(after.get(name) ?? Buffer.alloc(0));
  const old = before.get(name) ?? Buffer.alloc(torn.length);
  for (const offset of offsets.slice(Math.floor(offsets.length * part))) {
    torn[offset] = old[offset] ?? 0;
  }
  return before.set(name, torn);
}

import fs from 'node:fs';
import path from 'node:path';
import type { CrashFiles, Survives } from '../crash-files.ts';
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

/** The bytes that differ between an image and the next. */
export interface Changes {
  readonly before: Contents;
  readonly after: Contents;
  readonly name: string;
  readonly offsets: readonly number[];
}

/** What the write of step `at` changes, if it changes anything. */
export function changesAt(files: CrashFiles, at: number): Changes | undefined {
  const before = imageAt(files, at, () => false, all).contents;
  const after = imageAt(files, at, all, all).contents;
  for (const [name, bytes] of after) {
    const old = before.get(name) ?? Buffer.alloc(0);
    if (old.equals(bytes)) continue;
    const offsets: number[] = [];
    for (let i = 0; i < bytes.length; i += 1) if (old[i] !== bytes[i]) offsets.push(i);
    return { before, after, name, offsets };
  }
  return undefined;
}

/** The write is there up to a byte in its middle, and nothing behind that. */
export function torn({ before, after, name, offsets }: Changes, part: number): Contents {
  const bytes = Buffer.from(after.get(name) ?? Buffer.alloc(0));
  const old = before.get(name) ?? Buffer.alloc(bytes.length);
  for (const offset of offsets.slice(Math.floor(offsets.length * part))) {
    bytes[offset] = old[offset] ?? 0;
  }
  return new Map(before).set(name, bytes);
}

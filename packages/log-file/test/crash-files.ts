/**
 * A `Files` that remembers what was done, and makes the images that a crash may leave at any step:
 * a write that had returned is there; of one that had not, any subset of its sectors is; and so is
 * any subset of the creations, renames and removals since the directory was synced.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Files } from '../src/files.ts';
import { systemFiles } from '../src/files.ts';

const sectorBytes = 512;

type Step =
  | { readonly kind: 'create'; readonly name: string; readonly file: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'sync' }
  | {
      readonly kind: 'write';
      readonly file: number;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  /** What the caller had been told by then. */
  | { readonly kind: 'note'; readonly note: number };

/** Which sectors, or names, of what was in flight are on the medium. */
export type Survives = (i: number, count: number) => boolean;

export class CrashFiles implements Files {
  readonly steps: Step[] = [];
  readonly #real = systemFiles('none');
  readonly #names = new Map<string, number>();
  readonly #byFd = new Map<number, number>();
  readonly #initial = new Map<string, Uint8Array>();
  #files = 0;

  /** Starts from what is in `directory`, as if everything there were durable. */
  constructor(directory: string) {
    for (const name of fs.readdirSync(directory)) {
      const file = path.join(directory, name);
      if (!fs.statSync(file).isFile()) continue;
      this.#names.set(name, this.#files++);
      this.#initial.set(name, new Uint8Array(fs.readFileSync(file)));
    }
  }

  open(file: string, how: 'create' | 'existing'): number {
    const fd = this.#real.open(file, how);
    const name = path.basename(file);
    if (how === 'create') {
      this.#names.set(name, this.#files);
      this.steps.push({ kind: 'create', name, file: this.#files++ });
    }
    this.#byFd.set(fd, this.#names.get(name) as number);
    return fd;
  }

  write(fd: number, bytes: Uint8Array, position: number): void {
    this.#real.write(fd, bytes, position);
    const file = this.#byFd.get(fd) as number;
    this.steps.push({ kind: 'write', file, position, bytes: Uint8Array.from(bytes) });
  }

  close(fd: number): void {
    this.#real.close(fd);
  }

  rename(from: string, to: string): void {
    this.#real.rename(from, to);
    const [a, b] = [path.basename(from), path.basename(to)];
    this.#names.set(b, this.#names.get(a) as number);
    this.#names.delete(a);
    this.steps.push({ kind: 'rename', from: a, to: b });
  }

  remove(file: string): void {
    this.#real.remove(file);
    const name = path.basename(file);
    if (this.#names.delete(name)) this.steps.push({ kind: 'remove', name });
  }

  syncDirectory(): void {
    this.steps.push({ kind: 'sync' });
  }

  note(note: number): void {
    this.steps.push({ kind: 'note', note });
  }

  /** Fills `into` with an image of a crash during step `at`; the last note before it, if any. */
  image(into: string, at: number, survives: Survives, namesSurvive: Survives): number | undefined {
    const contents = new Map<number, Uint8Array>();
    let names = new Map<string, number>();
    let files = 0;
    for (const [name, bytes] of this.#initial) {
      names.set(name, files);
      contents.set(files++, bytes);
    }
    let pending: Step[] = [];
    let note: number | undefined;
    const settle = (done: Survives) => {
      const { length } = pending;
      names = renamed(
        names,
        pending.filter((_, i) => done(i, length)),
      );
      pending = [];
    };
    for (const step of this.steps.slice(0, at)) {
      if (step.kind === 'note') note = step.note;
      else if (step.kind === 'sync') settle(() => true);
      else if (step.kind === 'write') overwrite(contents, step, () => true);
      else pending.push(step);
    }
    const torn = this.steps[at];
    if (torn?.kind === 'write') overwrite(contents, torn, survives);
    settle(namesSurvive);
    for (const [name, file] of names) {
      fs.writeFileSync(path.join(into, name), contents.get(file) ?? new Uint8Array(0));
    }
    return note;
  }
}

function renamed(before: ReadonlyMap<string, number>, steps: readonly Step[]): Map<string, number> {
  const names = new Map(before);
  for (const step of steps) {
    if (step.kind === 'create') names.set(step.name, step.file);
    else if (step.kind === 'remove') names.delete(step.name);
    else if (step.kind === 'rename') {
      const file = names.get(step.from);
      // What was to be renamed is not there yet: then neither is its new name.
      if (file === undefined) continue;
      names.set(step.to, file);
      names.delete(step.from);
    }
  }
  return names;
}

function overwrite(
  contents: Map<number, Uint8Array>,
  { file, position, bytes }: Extract<Step, { kind: 'write' }>,
  survives: Survives,
): void {
  const before = contents.get(file) ?? new Uint8Array(0);
  const after = new Uint8Array(Math.max(before.length, position + bytes.length));
  after.set(before);
  const sectors = Math.ceil(bytes.length / sectorBytes);
  for (let sector = 0; sector < sectors; sector++) {
    if (!survives(sector, sectors)) continue;
    const from = sector * sectorBytes;
    after.set(bytes.subarray(from, from + sectorBytes), position + from);
  }
  contents.set(file, after);
}

import { isWord } from '../args.ts';
import type { Command } from './connection-command.ts';

const buckets = 256;

/** Finds commands by the bytes of their name, however capitalised, without making a string. */
export class CommandTable {
  readonly all: readonly Command[];
  readonly #buckets: { readonly word: string; readonly command: Command }[][] = [];

  constructor(commands: readonly Command[]) {
    this.all = commands;
    for (let i = 0; i < buckets; i++) this.#buckets.push([]);
    for (const command of commands) {
      const word = command.name.toUpperCase();
      const bytes = Buffer.from(word);
      this.#buckets[bucketOf(bytes, 0, bytes.length)]?.push({ word, command });
    }
  }

  find(bytes: Uint8Array, start: number, end: number): Command | undefined {
    const bucket = this.#buckets[bucketOf(bytes, start, end)] ?? [];
    for (const { word, command } of bucket) if (isWord(bytes, start, end, word)) return command;
    return undefined;
  }

  named(name: string): Command | undefined {
    const bytes = Buffer.from(name, 'latin1');
    return this.find(bytes, 0, bytes.length);
  }
}

/** Small and capital letters differ in one bit, which does not count. */
function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + 32);
  let hash = end - start;
  for (let at = start; at < last; at++) hash = (hash * 31 + ((bytes[at] as number) & 0xdf)) | 0;
  return hash & (buckets - 1);
}

import type { Batch, Results, StateMachine } from '@rsl/core/protocol';
import { SnapshotMap } from '../src/snapshot-map.ts';

const nothing = new Uint8Array(0);

/** What the helper is for: a map, saved as it was when the save began. Commands: `key=value`. */
export class KeyValues implements StateMachine {
  readonly map = new SnapshotMap<string, string>();
  executed: number[] = [];
  loads = 0;

  execute(batch: Batch, results: Results): void {
    this.executed.push(batch.slot);
    for (let i = 0; i < batch.count; i += 1) {
      const [key = '', value = ''] = textOf(batch, i).split('=');
      this.map.set(key, value);
      results.push(nothing);
    }
  }

  save(): Iterable<Uint8Array> {
    const frozen = this.map.freeze();
    return (function* () {
      let lines: string[] = [];
      for (const [key, value] of frozen) {
        lines.push(`${key}=${value}`);
        if (lines.length < 1_000) continue;
        yield Buffer.from(`${lines.join('\n')}\n`);
        lines = [];
      }
      yield Buffer.from(lines.join('\n'));
    })();
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.loads += 1;
    this.map.clear();
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    }
    if (rest !== '') this.#take(rest);
  }

  get entries(): string[] {
    return [...this.map].map(([key, value]) => `${key}=${value}`).sort();
  }

  #take(line: string): void {
    const [key = '', value = ''] = line.split('=');
    this.map.set(key, value);
  }
}

const textOf = (batch: Batch, i: number): string =>
  Buffer.from(batch.bytes.subarray(batch.start(i), batch.end(i))).toString();

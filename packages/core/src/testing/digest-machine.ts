import { crc32 } from 'node:zlib';
import type { Batch, Results, StateMachine } from '../ports/state-machine.ts';

/** What was executed in one slot. */
export interface Executed {
  readonly slot: number;
  readonly timeMs: number;
  readonly commands: readonly string[];
  /** Of everything executed so far, in order. */
  readonly digest: number;
}

/** Remembers what it executed by a digest; the result of a command is its position. */
export class DigestMachine implements StateMachine {
  readonly #executed: (what: Executed) => void;
  digest = 0;
  slot = 0;

  constructor(executed: (what: Executed) => void = () => {}) {
    this.#executed = executed;
  }

  execute(batch: Batch, results: Results): void {
    const commands: string[] = [];
    for (let i = 0; i < batch.count; i += 1) {
      const bytes = batch.bytes.subarray(batch.start(i), batch.end(i));
      const command = Buffer.from(bytes).toString();
      commands.push(command);
      this.digest = crc32(`${batch.slot}.${i} ${command}`, this.digest);
      results.push(Buffer.from(`${batch.slot}.${i}`));
    }
    this.digest = crc32(`${batch.slot} at ${batch.timeMs}`, this.digest);
    this.slot = batch.slot;
    const { slot, digest } = this;
    this.#executed({ slot, timeMs: batch.timeMs, commands, digest });
  }

  save(): Uint8Array[] {
    return [Buffer.from(JSON.stringify([this.slot, this.digest]))];
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    [this.slot, this.digest] = JSON.parse(Buffer.concat(parts).toString()) as [number, number];
  }
}

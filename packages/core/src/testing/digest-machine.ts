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
  readonly #executed: ((what: Executed) => void) | undefined;
  digest = 0;
  slot = 0;

  constructor(executed?: (what: Executed) => void) {
    this.#executed = executed;
  }

  execute(batch: Batch, results: Results): void {
    const { slot, timeMs } = batch;
    for (let i = 0; i < batch.count; i += 1) {
      const command = batch.bytes.subarray(batch.start(i), batch.end(i));
      this.digest = crc32(command, this.#mixed(command.length));
      results.push(Buffer.from(`${slot}.${i}`));
    }
    this.digest = crc32(`${slot} at ${timeMs}`, this.digest);
    this.slot = slot;
    this.#executed?.({ slot, timeMs, commands: commandsOf(batch), digest: this.digest });
  }

  /** The slot that its state reflects. */
  query(): Uint8Array {
    return Buffer.from(`${this.slot}`);
  }

  save(): Uint8Array[] {
    return [Buffer.from(JSON.stringify([this.slot, this.digest]))];
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    [this.slot, this.digest] = JSON.parse(Buffer.concat(parts).toString()) as [number, number];
  }

  /** Where a command begins and ends counts as well as its bytes. */
  #mixed(length: number): number {
    return Math.imul(this.digest ^ length, 0x0100_0193) >>> 0;
  }
}

const commandsOf = (batch: Batch): string[] =>
  Array.from({ length: batch.count }, (_, i) =>
    Buffer.from(batch.bytes.subarray(batch.start(i), batch.end(i))).toString(),
  );

import type { SnapshotMeta, SnapshotWriter } from '@rsl/core/protocol';
import { codeOf } from '../failures.ts';
import type { Answer } from '../words.ts';
import type { Kept } from './kept.ts';
import type { Teller } from './progress.ts';

/** A copy of a peer's snapshot, one at a time. */
export class Copying {
  readonly #kept: Kept;
  readonly #teller: Teller;
  #copy: { readonly meta: SnapshotMeta; readonly writer: SnapshotWriter } | undefined;
  /** Of the last `copy` that was ordered. */
  #ticket = 0;

  constructor(kept: Kept, teller: Teller) {
    this.#kept = kept;
    this.#teller = teller;
  }

  /** Begins, or goes on with the same. */
  copy(meta: SnapshotMeta, ticket: number): Promise<Answer> {
    this.#ticket = ticket;
    return this.#answered(async () => {
      const { digest, slot } = meta;
      const open = this.#copy?.meta;
      if (open?.digest !== digest || open.slot !== slot) {
        await this.leave();
        this.#copy = { meta, writer: await this.#kept.store.copy(meta) };
      }
      return { kind: 'copying', bytes: this.#tell(), ticket };
    });
  }

  /** Undefined: the copy has failed before, and that was said. */
  async write(bytes: Uint8Array): Promise<Answer | undefined> {
    const copy = this.#copy;
    if (copy === undefined) return undefined;
    return this.#answered(async () => {
      await copy.writer.write(bytes);
      return { kind: 'written', bytes: this.#tell(), ticket: this.#ticket };
    });
  }

  async commit(): Promise<Answer | undefined> {
    const copy = this.#copy;
    if (copy === undefined) return undefined;
    return this.#answered(async () => {
      const meta = await copy.writer.commit();
      this.#copy = undefined;
      this.#teller.tell({ kind: 'copied', meta });
      return { kind: 'copied', meta, ticket: this.#ticket };
    });
  }

  /** It rests where it is. */
  async leave(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    await copy?.writer.leave();
  }

  async #answered(run: () => Promise<Answer>): Promise<Answer> {
    try {
      return await run();
    } catch (error) {
      await this.leave().catch(() => {});
      return { kind: 'copy-failed', code: codeOf(error), ticket: this.#ticket };
    }
  }

  #tell(): number {
    if (this.#copy === undefined) return 0;
    const { meta, writer } = this.#copy;
    this.#teller.tell({ kind: 'copying', meta, bytes: writer.bytes });
    return writer.bytes;
  }
}

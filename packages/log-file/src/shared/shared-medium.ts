/** The files of a shared log while it is open: whose records are in it, and who may append. */
import { ensures } from '@rsl/contracts';
import { OverloadedError, type RslError, StorageError } from '@rsl/core';
import type { PortContext, StoreId } from '@rsl/core/protocol';
import { drawStoreId } from '../create.ts';
import { prepareDirectory, storageError } from '../directory.ts';
import type { Substitutes } from '../file-log-store.ts';
import { groupBytesMax } from '../failures.ts';
import { systemFiles } from '../files.ts';
import { lockDirectory } from '@rsl/directory-lock';
import { openParts, type Parts } from '../open-parts.ts';
import type { CompleteOptions } from '../options.ts';
import { type EncodedGroup, type FileRecord, groupOf } from '../record.ts';
import { renewalOf } from '../renewal.ts';
import { CopyForward } from './copy-forward.ts';
import type { Owner } from './owner.ts';
import { type OwnerEntry, sharedIdentity } from './shared-record.ts';
import { SharedState } from './shared-state.ts';

/** Each segment repeats what must outlive older ones, about a kilobyte for each group. */
export const groupsMax = 4096;

export class SharedMedium {
  readonly directory: string;
  readonly options: CompleteOptions;
  readonly state: SharedState;
  readonly #parts: Parts<SharedState>;
  readonly #copying: CopyForward;
  readonly #taken = new Set<string>();
  #nextOwner: number;
  #creating = 0;

  private constructor(
    parts: Parts<SharedState>,
    options: CompleteOptions,
    look: { run(this: void): void },
  ) {
    const { state, sync, context } = parts;
    this.directory = parts.directory;
    this.options = options;
    this.state = state;
    this.#parts = parts;
    this.#nextOwner = state.nextOwner;
    this.#copying = new CopyForward({
      state,
      sync,
      logger: context.logger,
      segmentBytes: options.segmentBytes,
      isShort: () => this.#freeBytes() < 2 * options.segmentBytes,
    });
    look.run = () => this.#copying.look();
  }

  static async open(
    directory: string,
    options: CompleteOptions,
    context: PortContext,
    { files: given, writer }: Substitutes = {},
  ): Promise<SharedMedium> {
    const files = given ?? systemFiles(options.sync === 'none' ? 'none' : 'durable');
    prepareDirectory(directory, files);
    const lock = await lockDirectory(directory);
    const look = { run: () => {} };
    try {
      const parts = await openParts({
        directory,
        // One group's haste stops nobody: what waits is bounded where it is appended.
        options: { ...options, waitingBytesMax: Number.MAX_SAFE_INTEGER },
        context: { ...context, ...sharedIdentity },
        files,
        lock,
        writer,
        stateOf: (store: StoreId) => new SharedState(store),
        written: () => look.run(),
      });
      const medium = new SharedMedium(parts, options, look);
      await medium.#noteCopied().catch(async (error: unknown) => {
        await medium.#end();
        throw error;
      });
      return medium;
    } catch (error) {
      await lock.release();
      throw storageError(directory, error);
    }
  }

  /** Of the files; whether they were copied since a group's store was made, its owner knows. */
  get isOnOtherDevice(): boolean {
    return this.#parts.copied === 'device';
  }

  /** Who has its records under this name; drawn and durable if nobody has (S8). */
  async take(context: PortContext): Promise<{ readonly owner: Owner; readonly created: boolean }> {
    const { group, self } = context;
    if (this.#taken.has(group)) throw inUse(this.directory, group);
    this.#taken.add(group);
    try {
      const known = this.state.ownerOf(group);
      if (known === undefined) return { owner: await this.#create(context), created: true };
      if (known.replica !== self) throw isOfOther(this.directory, known, self);
      return { owner: known, created: false };
    } catch (error) {
      this.#taken.delete(group);
      throw error;
    }
  }

  give({ group }: Owner): void {
    this.#taken.delete(group);
  }

  append(group: EncodedGroup, done: (error?: RslError) => void): void {
    this.#copying.asked();
    this.#parts.sync.append(group, done);
  }

  /** There is no room for another append of this size (S5): what copying forward needs is kept. */
  refusal(bytes: number): RslError | undefined {
    const { segmentBytes, waitingBytesMax } = this.options;
    const { sync, pool } = this.#parts;
    const { waitingBytes, failure } = sync;
    if (failure !== undefined) return undefined;
    if (bytes > groupBytesMax) {
      return this.#full(`an append of ${bytes} bytes is larger than ${groupBytesMax}`);
    }
    if (waitingBytes + bytes > waitingBytesMax) {
      return this.#full(`${waitingBytes} bytes wait, and ${bytes} more exceed waitingBytesMax`);
    }
    // The usual case, without looking at every segment: the one that is ready is kept.
    if (pool.ready && sync.roomBytes >= bytes) return undefined;
    const freeBytes = this.#freeBytes();
    if (freeBytes - bytes >= segmentBytes) return undefined;
    this.#copying.look();
    return this.#full(`${freeBytes} bytes are left, and a segment of them is for copying forward`);
  }

  truncate(owner: Owner, before: number): void {
    this.state.truncate(owner, before);
    this.#copying.asked();
    this.#parts.sync.truncated();
  }

  /** For one more append of any group. */
  get bytesFree(): number {
    this.#parts.medium.look();
    this.#copying.asked();
    this.#copying.look();
    return Math.max(0, this.#freeBytes() - this.options.segmentBytes);
  }

  async close(): Promise<void> {
    await this.#copying.stop();
    await this.#parts.sync.drain();
    await this.#end();
    await this.#parts.lock.release();
  }

  async #end(): Promise<void> {
    const { sync, writer, medium } = this.#parts;
    medium.close();
    await writer.close();
    sync.close();
  }

  /** What is allocated already, and whole segments of what the medium and the user leave. */
  #freeBytes(): number {
    const { options, pool, medium, sync } = this.#parts;
    const canBeTaken = Math.min(medium.freeBytes, pool.allowedBytes);
    const segments = canBeTaken - (canBeTaken % options.segmentBytes);
    return sync.roomBytes + pool.bytesUsed + segments;
  }

  async #create({ group, self, random }: PortContext): Promise<Owner> {
    if (this.state.owners.size + this.#creating >= groupsMax) throw tooMany(this.directory);
    const number = this.#nextOwner++;
    const entry: OwnerEntry = {
      group,
      replica: self,
      store: drawStoreId(random),
      firstSlot: 1,
      position: 0,
      copied: false,
    };
    this.#creating += 1;
    try {
      await this.#say([{ number, entry }]);
    } finally {
      this.#creating -= 1;
    }
    const owner = this.state.owners.get(number);
    ensures(() => owner !== undefined, 'file-12 a store that was made is known');
    return owner as Owner;
  }

  /**
   * Files that were copied are so for each group until its store is renewed, however often they
   * are opened; so each is told durably, and then the files begin another life (S2a).
   */
  async #noteCopied(): Promise<void> {
    const { copied, options, sync, directory, context, state } = this.#parts;
    if (copied !== 'files' && !options.moved) return;
    const isCopied = copied === 'files';
    const owners = [...state.owners.values()].filter((owner) => owner.copied !== isCopied);
    await this.#say(
      owners.map(({ number, entry }) => ({ number, entry: { ...entry, copied: isCopied } })),
    );
    if (!isCopied) return;
    await new Promise<void>((resolve, reject) => {
      sync.renew(
        () => renewalOf(directory, context, state),
        (error) => (error === undefined ? resolve() : reject(error)),
      );
    });
  }

  /** Durably, in one append. */
  #say(entries: readonly { readonly number: number; readonly entry: OwnerEntry }[]): Promise<void> {
    const group = groupOf(
      entries.map(({ entry }): FileRecord => ({ kind: 'owner', owner: entry })),
      entries.map(({ number }) => number),
    );
    return new Promise((resolve, reject) => {
      this.append(group, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  #full(why: string): RslError {
    const advice = 'make room on the medium, raise storeBytesMax, or truncate the log';
    return new StorageError('RSL_STORAGE_FULL', `${this.directory}: ${why}; ${advice}`);
  }
}

function tooMany(directory: string): RslError {
  const what = `${directory} has the logs of ${groupsMax} groups, and takes no more`;
  const cause = new OverloadedError('groupsMax', what);
  return new StorageError('RSL_STORAGE_FULL', `${what}; use another directory`, { cause });
}

function inUse(directory: string, group: string): RslError {
  const what = `the log of ${JSON.stringify(group)} is open in this process`;
  const advice = 'close it, or use another directory';
  return new StorageError('RSL_STORAGE_LOCKED', `${directory}: ${what}; ${advice}`);
}

function isOfOther(directory: string, { group, replica }: Owner, self: number): RslError {
  const whose = `the log of ${JSON.stringify(group)} belongs to replica ${replica}, not ${self}`;
  const advice = 'give each replica its own directory';
  return new StorageError('RSL_WRONG_STORE', `${directory}: ${whose}; ${advice}`);
}

/** What an open log consists of, and how opening puts it together. */
import fs from 'node:fs';
import type { PortContext, StoreId } from '@rsl/core/protocol';
import { createStore, removeUnfinishedStore } from './create.ts';
import { contentsOf, type Identity, readIdentity } from './directory.ts';
import { vanished } from './failures.ts';
import type { Files } from './files.ts';
import { GroupSync } from './group-sync.ts';
import type { DirectoryLock } from '@rsl/directory-lock';
import type { Catalog } from './catalog.ts';
import { Medium } from './medium.ts';
import type { CompleteOptions } from './options.ts';
import type { Copied } from './origin.ts';
import { type Recovered, recordOrigins, recover } from './recover.ts';
import { SegmentPool } from './segment-pool.ts';
import { InlineWriter, ThreadWriter, type Writer } from './writer.ts';

export interface Opening<S extends Catalog> {
  readonly directory: string;
  readonly options: CompleteOptions;
  readonly context: PortContext;
  readonly files: Files;
  readonly lock: DirectoryLock;
  /** Unless given, what the options ask for. */
  readonly writer?: Writer | undefined;
  /** Of a log of which nothing is known yet. */
  stateOf(this: void, store: StoreId): S;
  /** When everything is read, before anything is written. */
  settle?(this: void, state: S): Promise<void>;
  /** After each write that is durable. */
  written?(this: void): void;
}

export interface Parts<S extends Catalog> extends Opening<S> {
  readonly created: boolean;
  readonly copied: Copied;
  readonly state: S;
  readonly pool: SegmentPool;
  readonly medium: Medium;
  readonly writer: Writer;
  readonly sync: GroupSync;
}

export async function openParts<S extends Catalog>(opening: Opening<S>): Promise<Parts<S>> {
  const { directory, options, context, files } = opening;
  const found = contentsOf(directory);
  for (const draft of found.drafts) files.remove(draft);
  const created = !found.hasIdentity;
  if (created) {
    removeUnfinishedStore(directory, found, files);
    await createStore(directory, context, options, files);
  }
  const identity = readIdentity(directory, context);
  const state = opening.stateOf(identity.store);
  const { recovered, spares } = await recoverFiles(opening, identity, state);
  await opening.settle?.(state);
  const copied = verdictOf(recovered, options, files);
  return { ...joined(opening, state, recovered, spares), created, copied };
}

async function recoverFiles<S extends Catalog>(
  { directory, options, files }: Opening<S>,
  identity: Identity,
  state: S,
): Promise<{ readonly recovered: Recovered; readonly spares: readonly string[] }> {
  const { segments, spares } = contentsOf(directory);
  const recovered = await recover(directory, segments, identity, files, state);
  // What was renamed last may be known to nobody but this machine's memory.
  files.syncDirectory(directory);
  const usable = spares.filter((file) => fs.statSync(file).size === options.segmentBytes);
  for (const file of spares) if (!usable.includes(file)) files.remove(file);
  return { recovered, spares: usable };
}

function verdictOf({ copied }: Recovered, { moved }: CompleteOptions, files: Files): Copied {
  if (moved) {
    recordOrigins(copied.keys(), files);
    return 'no';
  }
  const verdicts = [...copied.values()];
  return verdicts.includes('files') ? 'files' : (verdicts[0] ?? 'no');
}

function joined<S extends Catalog>(
  opening: Opening<S>,
  state: S,
  { unmarked }: Recovered,
  spares: readonly string[],
): Omit<Parts<S>, 'created' | 'copied'> {
  const { directory, options, context, files } = opening;
  const { logger, clock, random } = context;
  const medium = new Medium({
    directory,
    clock,
    written: () => sync.written,
    answered: () => sync.roomFound(),
    vanished: (cause) => sync.fail(vanished(sync.written.file, cause)),
  });
  const isThread = options.sync === 'thread';
  const writer =
    opening.writer ??
    (isThread ? new ThreadWriter('durable') : new InlineWriter(files, (run) => clock.soon(run)));
  const poolOptions = {
    directory,
    logger,
    spares,
    segmentBytes: options.segmentBytes,
    storeBytesMax: options.storeBytesMax,
    segmentsBytes: () => state.bytesUsed,
    taken: (bytes: number) => medium.taken(bytes),
  };
  const pool = new SegmentPool(poolOptions, writer);
  const moved = (isOtherFile: boolean) => {
    if (isOtherFile) medium.ask();
    else medium.look();
    opening.written?.();
  };
  const sync: GroupSync = new GroupSync(
    { ...options, directory, writeAtOnce: isThread },
    { state, files, writer, pool, clock, random, moved },
    unmarked,
  );
  return { ...opening, state, pool, medium, writer, sync };
}

/**
 * A new name for a store that keeps what it has (S2). Nothing in the log is written again: the
 * identity is replaced by one rename, and a segment whose header has another name than that is of a
 * former life. What is stored from then on begins a segment under the new name.
 */
import type { RslError } from '@rsl/core';
import type { PortContext, StoreId } from '@rsl/core/protocol';
import { drawStoreId } from './create.ts';
import { draftFile, encodeIdentity, identityFile, isFull } from './directory.ts';
import { cannotGrow, noRoom } from './failures.ts';
import type { Task } from './files.ts';
import type { Catalog } from './catalog.ts';
import type { Writer } from './writer.ts';

export interface Renewal {
  readonly directory: string;
  readonly store: StoreId;
  /** First this: if there is no room for it, nothing has changed. */
  readonly write: Task;
  readonly rename: Task;
}

export function renewalOf(directory: string, context: PortContext, state: Catalog): Renewal {
  const store = drawStoreId(context.random);
  const formerly = [...new Set(state.segments.map(({ header }) => header.store))];
  const draft = draftFile(directory, 0);
  const bytes = encodeIdentity(context, store, formerly);
  return {
    directory,
    store,
    write: { kind: 'write', file: draft, bytes },
    rename: { kind: 'rename', from: draft, to: identityFile(directory) },
  };
}

export interface RenewalOutcome {
  renewed(this: void): void;
  /** Nothing has changed: there is no room. */
  refused(this: void, error: RslError): void;
  /** The store has the one name or the other. */
  failed(this: void, error: RslError): void;
}

export function performRenewal(
  { directory, write, rename }: Renewal,
  writer: Writer,
  { renewed, refused, failed }: RenewalOutcome,
): void {
  writer.run(write, (error) => {
    if (error !== undefined) {
      if (isFull(error.code)) refused(noRoom(directory, error));
      else failed(cannotGrow(directory, error));
    } else
      writer.run(rename, (cause) =>
        cause === undefined ? renewed() : failed(cannotGrow(directory, cause)),
      );
  });
}

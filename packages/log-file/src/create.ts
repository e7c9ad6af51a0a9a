/** Making a store where none is: its name, its first segment, and then its identity (S8). */
import fs from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CorruptionError } from '@rsl/core';
import type { PortContext, Random, StoreId } from '@rsl/core/protocol';
import {
  type Contents,
  draftFile,
  encodeIdentity,
  identityFile,
  segmentFile,
  spareFile,
} from './directory.ts';
import { type Files, runTask, type Task, taskSteps } from './files.ts';
import { blockBytes } from './record.ts';
import { unknownOrigin } from './origin.ts';
import { encodeSegmentHeader } from './segment-header.ts';

export interface SegmentSizes {
  readonly segmentBytes: number;
  readonly writeBytesMax: number;
}

/**
 * The identity comes last: while it is missing nothing was ever stored, and once it is there a
 * segment that is missing was lost (S6).
 */
export async function createStore(
  directory: string,
  context: PortContext,
  sizes: SegmentSizes,
  files: Files,
): Promise<StoreId> {
  const store = drawStoreId(context.random);
  const spare = spareFile(directory, 1);
  const { segmentBytes, writeBytesMax } = sizes;
  const [first, bytes] = [draftFile(directory, 1), segmentBytes];
  const prepare: Task = { kind: 'prepare', draft: first, file: spare, bytes };
  // A step for each turn: other groups on this thread would lose their leaders meanwhile.
  for (const _ of taskSteps(files, prepare)) await nextTurn();
  const header = encodeSegmentHeader({
    sequence: 1,
    store,
    salt: context.random.below(2 ** 32),
    writeBytesMax,
    size: segmentBytes,
    firstNumber: 1,
    previousEnd: 0,
    origin: unknownOrigin,
  });
  runTask(files, { kind: 'take', spare, file: segmentFile(directory, 1), header });
  const draft = draftFile(directory, 0);
  runTask(files, { kind: 'write', file: draft, bytes: encodeIdentity(context, store, []) });
  runTask(files, { kind: 'rename', from: draft, to: identityFile(directory) });
  return store;
}

/** Only what a crash in the middle of `createStore` leaves is removed: an empty first segment. */
export function removeUnfinishedStore(directory: string, contents: Contents, files: Files): void {
  for (const sequence of contents.segments) {
    const file = segmentFile(directory, sequence);
    if (sequence !== 1 || !isEmptySegment(file)) {
      throw new CorruptionError(
        `${directory}/identity`,
        0,
        'it is missing, but there are segments',
      );
    }
  }
  for (const file of contents.spares) files.remove(file);
  for (const sequence of contents.segments) files.remove(segmentFile(directory, sequence));
  files.syncDirectory(directory);
}

export function isEmptySegment(file: string): boolean {
  const fd = fs.openSync(file, 'r');
  try {
    const piece = Buffer.alloc(1024 * 1024);
    for (let at = blockBytes; ; ) {
      const length = fs.readSync(fd, piece, 0, piece.length, at);
      if (length === 0) return true;
      if (piece.subarray(0, length).some((byte) => byte !== 0)) return false;
      at += length;
    }
  } finally {
    fs.closeSync(fd);
  }
}

export function drawStoreId(random: Random): StoreId {
  const words = [random.below(2 ** 32), random.below(2 ** 32)];
  return words.map((word) => word.toString(16).padStart(8, '0')).join('');
}

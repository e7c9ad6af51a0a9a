import { InvalidOptionError } from '@rsl/core';
import type { SnapshotReader } from '@rsl/core/protocol';
import { onMedium } from '../failures.ts';
import { systemFiles } from '../files.ts';
import { isFound, look } from '../look.ts';
import { FileSnapshotReader } from '../snapshot-reader.ts';

/** A snapshot's file wherever it is, to be read only. RSL_INVALID_OPTION for anything else. */
export async function snapshotAt(
  file: string,
): Promise<{ readonly group: string; readonly reader: SnapshotReader }> {
  const opened = await onMedium(file, () => systemFiles.open(file, 'read'));
  const looked = await onMedium(file, () => look(opened));
  if (isFound(looked)) {
    const { header, meta, places } = looked;
    const reader = new FileSnapshotReader(file, meta, opened, places, () => {});
    return { group: header.group, reader };
  }
  await opened.close();
  throw new InvalidOptionError('file', `${file}, byte ${looked.offset}: ${looked.problem}`);
}

import path from 'node:path';
import {
  type InspectedCopy,
  type InspectedSnapshot,
  inspectSnapshots,
  type SnapshotsReport,
} from '@rsl/snapshot/inspect';
import { damageLines, usedLine } from './common-lines.ts';
import type { SnapshotsInspection } from './inspect-command.ts';
import { membershipText } from './membership-text.ts';
import type { Output } from './output.ts';

/** Prints which snapshots there are; gives what was found. */
export async function printSnapshots(
  { directory, json, verify }: SnapshotsInspection,
  output: Output,
): Promise<SnapshotsReport> {
  const report = await inspectSnapshots(directory, { verify });
  if (json) await output.line(JSON.stringify({ kind: 'snapshots', ...report }));
  else for (const line of snapshotLines(report)) await output.line(line);
  return report;
}

function* snapshotLines(report: SnapshotsReport): Generator<string> {
  const { condemned, copies, directory, drafts, snapshots, usedBy } = report;
  yield `${directory}: committed snapshots: ${snapshots.length}`;
  if (usedBy !== undefined) yield usedLine(usedBy);
  for (const snapshot of snapshots) yield* linesOf(snapshot);
  for (const copy of copies) yield copyLine(copy);
  for (const { file, fileBytes } of drafts) {
    yield `${path.basename(file)}  ${fileBytes} bytes, not finished`;
  }
  if (condemned !== undefined) {
    yield 'set aside, because it could not be verified:';
    yield* linesOf(condemned);
  }
  yield '';
  yield* damageLines(report);
}

function* linesOf(snapshot: InspectedSnapshot): Generator<string> {
  const { chunkBytes, file, fileBytes, group, meta, verified } = snapshot;
  const name = path.basename(file);
  if (meta === undefined) {
    yield `${name}  ${fileBytes} bytes, cannot be read`;
    return;
  }
  const { bytes, digest, layout, membership, slot } = meta;
  const content = verified === undefined ? 'not verified' : verified ? 'verified' : 'damaged';
  yield `${name}  group ${JSON.stringify(group)}, slot ${slot}, ${bytes} bytes, ${content}`;
  yield `  SHA-256 ${digest}`;
  yield `  layout ${layout}, chunks of ${chunkBytes} bytes, ${fileBytes} bytes in the file`;
  yield `  configuration ${membershipText(membership)}`;
}

function copyLine({ bytes, digest, file, fileBytes, slot }: InspectedCopy): string {
  const good = bytes === undefined ? '' : `, of which ${bytes} bytes of content are good`;
  const name = `${path.basename(file).slice(0, 21)}…`;
  return `${name}  part of a copy, slot ${slot}, ${fileBytes} bytes${good}; SHA-256 ${digest}`;
}

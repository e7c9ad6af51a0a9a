import path from 'node:path';
import { describeBallot } from '@rsl/core/protocol';
import type { InspectedSegment, InspectedStore, LogReport } from '@rsl/log-file/inspect';
import { damageLines, usedLine } from './common-lines.ts';
import { membershipText } from './membership-text.ts';

/** Everything about a log but its records, for people. */
export function* logLines(report: LogReport): Generator<string> {
  yield '';
  yield* identityLines(report);
  yield '';
  for (const segment of report.segments) yield segmentLine(segment);
  const { spares, tail } = report;
  if (spares.files > 0) yield `files that are ready: ${spares.files}, ${spares.bytes} bytes`;
  if (tail !== undefined) {
    const torn = 'part of a write is there that nobody was told is durable; it is no damage';
    yield `ends at byte ${tail.offset} of ${path.basename(tail.file)}${
      tail.torn ? `: ${torn}` : ''
    }`;
  }
  for (const store of report.stores) yield* storeLines(store);
  yield '';
  yield* damageLines(report);
}

function* identityLines({ directory, identity, isShared, usedBy }: LogReport): Generator<string> {
  if (identity === undefined) yield `${directory}: of nobody known`;
  else {
    const { format, formerly, group, replica, store } = identity;
    const whose = isShared ? group : `group ${JSON.stringify(group)}, replica ${replica}`;
    yield `${directory}: ${whose}, store ${store}, format ${format}`;
    if (formerly.length > 0) yield `formerly store ${formerly.join(', ')}`;
  }
  if (usedBy !== undefined) yield usedLine(usedBy);
}

function segmentLine(segment: InspectedSegment): string {
  const { bytes, copied, file, groups, left, store, usedBytes } = segment;
  const name = path.basename(file);
  if (store === undefined) return `${name}  ${bytes} bytes, cannot be read`;
  const notes = [
    `${usedBytes} of ${bytes} bytes used`,
    `groups of records: ${groups}`,
    ...(copied === 'files' ? ['the file was copied or restored'] : []),
    ...(copied === 'device' ? ['on another device'] : []),
    ...(left ? ['left while it was read'] : []),
  ];
  return `${name}  ${notes.join(', ')}`;
}

function* storeLines(store: InspectedStore): Generator<string> {
  const { bootstrap, configuration, group, promise, replica, start } = store;
  yield '';
  yield `group ${JSON.stringify(group)}, replica ${replica}, store ${store.store}`;
  yield `  slots ${store.firstSlot} … ${store.lastSlot}, decided through ${store.decidedThrough}`;
  yield `  in the files: votes ${store.votes}, decided values ${store.decided}`;
  yield `  promise ${promise === undefined ? 'none' : describeBallot(promise)}`;
  if (configuration !== undefined) yield `  configuration ${membershipText(configuration)}`;
  if (bootstrap !== undefined) yield `  bootstrap ${membershipText(bootstrap)}`;
  if (start !== undefined) yield `  start ${start.count}, nonce ${start.nonce}`;
  for (const { count, position, store: other } of store.standings) {
    yield `  heard of store ${other}: start ${count}, position ${position}`;
  }
  if (store.leaseMs > 0) yield `  leases of up to ${store.leaseMs} ms`;
  yield `  position ${store.position}${store.copied ? ', in files that were copied' : ''}`;
  for (const { ballot, slot } of store.lost) {
    yield `  the value of slot ${slot} is lost, of ballot ${describeBallot(ballot)}`;
  }
}

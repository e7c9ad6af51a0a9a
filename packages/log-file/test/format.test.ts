import fs from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { headerOfFile, unknownOrigin } from '../src/origin.ts';
import { blockBytes } from '../src/record.ts';
import {
  append,
  contextOf,
  KiB,
  openAndRecover,
  seededRandom,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const fixtures = new URL('./fixtures/', import.meta.url).pathname;
const segmentBytes = 64 * KiB;

const membership = {
  group: 'feedfacefeedface',
  number: 1,
  firstSlot: 1,
  members: [
    { id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a.example:7001' } },
  ],
  previous: [],
} as const;

const appends: readonly (readonly LogRecord[])[] = [
  [
    { kind: 'start', count: 1, nonce: 2 ** 47 + 3 },
    { kind: 'bootstrap', membership },
    { kind: 'configuration', membership },
  ],
  [{ kind: 'promise', ballot: { configuration: 1, round: 2, proposer: 3 } }, vote(1), vote(2)],
  [{ kind: 'decided', slot: 3, value: { bytes: Uint8Array.of(3), checksum: 0x4b0bbe37 } }],
  [{ kind: 'decided-through', slot: 3 }, vote(2 ** 40, 2 ** 31, 3)],
];

const fixedContext = () => contextOf({ random: seededRandom(42) });
const options = { ...smallOptions, segmentBytes, markAfterMs: 60_000 };

/** Without the zeros at its end, and as if nobody knew which file it is. */
function usedPart(file: string): Buffer {
  const bytes = fs.readFileSync(file);
  if (file.endsWith('.log')) {
    expect(bytes.readBigUInt64LE(64)).toBe(fs.statSync(file, { bigint: true }).ino);
    bytes.set(headerOfFile(bytes.subarray(0, blockBytes), unknownOrigin));
  }
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

test('the same records make the same bytes as ever', async () => {
  // When this fails, the format has changed: then it needs a new version, and a reader for the old.
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory, options, undefined, fixedContext());
  for (const records of appends) await append(log, records);
  log.truncate(2);
  await log.close();
  for (const [name, fixture] of [
    ['0000000001.log', 'segment-1.bin'],
    ['identity', 'identity'],
  ] as const) {
    const bytes = usedPart(path.join(directory, name));
    if (process.env['RSL_UPDATE_FIXTURES'] === '1')
      fs.writeFileSync(path.join(fixtures, fixture), bytes);
    expect(bytes.equals(fs.readFileSync(path.join(fixtures, fixture))), fixture).toBe(true);
  }
});

test('bytes that were written long ago are read', async () => {
  const directory = temporaryDirectory();
  const segment = Buffer.alloc(segmentBytes);
  fs.readFileSync(path.join(fixtures, 'segment-1.bin')).copy(segment);
  fs.writeFileSync(path.join(directory, '0000000001.log'), segment);
  fs.copyFileSync(path.join(fixtures, 'identity'), path.join(directory, 'identity'));
  const { log, records } = await openAndRecover(directory, options);
  const wanted = appends.flat().filter((r) => r.kind !== 'vote' || r.slot > 1);
  expect(shapesOf(records)).toEqual(shapesOf(wanted));
  // They do not say which file they were written to: then nobody can say that it is another.
  expect(log.info()).toMatchObject({ firstSlot: 2, lastSlot: 2 ** 40, created: false });
  expect(log.info().copied).toBe('no');
  await log.close();
});

import { fullSnapshotStoreCases, snapshotStoreCases } from '@rsl/core/conformance';
import { describe, test } from 'vitest';
import { systemFiles } from '../src/files.ts';
import type { FileSnapshotsOptions } from '../src/options.ts';
import { PlayedMedium } from './played-medium.ts';
import { openOn, temporaryDirectory } from './stage.ts';

const kinds: Record<string, FileSnapshotsOptions> = {
  'as it comes': {},
  'small chunks': { chunkBytes: 512 },
  'chunks of no even length': { chunkBytes: 65_521 },
};

for (const [kind, options] of Object.entries(kinds)) {
  describe(kind, () => {
    for (const { name, run } of snapshotStoreCases) {
      test(name, () => {
        const directory = temporaryDirectory();
        return run(() => openOn(systemFiles, directory, options));
      });
    }
  });
}

describe('a medium that gets full', () => {
  for (const { name, run } of fullSnapshotStoreCases) {
    test(name, () => {
      const medium = new PlayedMedium();
      return run(async () => ({
        store: await openOn(medium, '/data'),
        fill: () => void (medium.bytesFree = 100_000),
        free: () => void (medium.bytesFree = Infinity),
      }));
    });
  }
});

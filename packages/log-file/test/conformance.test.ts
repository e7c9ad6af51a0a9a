import { failingLogStoreCases, fullLogStoreCases, logStoreCases } from '@rsl/core/conformance';
import { describe, test, vi } from 'vitest';
import { fileLog } from '../src/index.ts';
import type { FileLogOptions } from '../src/options.ts';
import { contextOf, KiB, openFiles, smallOptions, temporaryDirectory } from './stage.ts';
import { systemFiles } from '../src/files.ts';

// Threads take long to start on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const kinds: Record<string, FileLogOptions> = {
  'written by a thread': { sync: 'thread', segmentBytes: 64 * KiB },
  'written inline': { sync: 'inline', segmentBytes: 4096 * KiB },
  'written inline, small segments': smallOptions,
  'not synced': { sync: 'none', segmentBytes: 1024 * KiB },
};

for (const [kind, options] of Object.entries(kinds)) {
  describe(kind, () => {
    for (const { name, run } of logStoreCases) {
      test(name, () => {
        const directory = temporaryDirectory();
        return run(() => fileLog(directory, options).open(contextOf()));
      });
    }
  });
}

describe('a medium that fails', () => {
  for (const { name, run } of failingLogStoreCases) {
    test(name, () =>
      run(async () => {
        const files = systemFiles('durable');
        let failing = false;
        const log = await openFiles(temporaryDirectory(), smallOptions, {
          ...files,
          write(fd, bytes, position) {
            if (failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
            files.write(fd, bytes, position);
          },
        });
        return { log, fail: () => void (failing = true) };
      }),
    );
  }
});

describe('a medium that gets full', () => {
  for (const { name, run } of fullLogStoreCases) {
    test(name, () =>
      run(async () => {
        const files = systemFiles('none');
        let isFull = false;
        const log = await openFiles(temporaryDirectory(), smallOptions, {
          ...files,
          open(file, how) {
            const grows = how === 'create' && file.includes('draft');
            if (grows && isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
            return files.open(file, how);
          },
        });
        return { log, fill: () => void (isFull = true), free: () => void (isFull = false) };
      }),
    );
  }
});

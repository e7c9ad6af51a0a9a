import { failingLogStoreCases, fullLogStoreCases, logStoreCases } from '@rsl/core/conformance';
import { describe, test, vi } from 'vitest';
import { type Files, systemFiles } from '../../src/files.ts';
import { type FileLogOptions } from '../../src/options.ts';
import { KiB, MiB, smallOptions, temporaryDirectory } from '../stage.ts';
import { besides, Noise, openGroup, recoverGroup, sharedOf } from './stage.ts';

// Threads take long to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const kinds: Record<string, FileLogOptions> = {
  'written by a thread': { sync: 'thread', segmentBytes: 4 * MiB },
  'written inline': { sync: 'inline', segmentBytes: MiB },
  'written inline, small segments': { ...smallOptions, segmentBytes: 256 * KiB },
};

for (const [kind, options] of Object.entries(kinds)) {
  describe(`one group of a shared log, ${kind}`, () => {
    for (const { name, run } of logStoreCases) {
      test(name, () => {
        const shared = sharedOf(temporaryDirectory(), options);
        return run(() => openGroup(shared, 'test'));
      });
    }
  });

  describe(`beside groups that write as often, ${kind}`, () => {
    for (const { name, run } of logStoreCases) {
      test(name, async () => {
        const shared = sharedOf(temporaryDirectory(), options);
        const others = [await Noise.start(shared, 'a'), await Noise.start(shared, 'b')];
        try {
          await run(async () => besides(await openGroup(shared, 'test'), others));
        } finally {
          for (const other of others) await other.close();
        }
      });
    }
  });
}

describe('a shared log that is closed whenever one of its groups is', () => {
  // So that each restart reads the whole log from the medium.
  for (const { name, run } of logStoreCases) {
    test(name, () => {
      const shared = sharedOf(temporaryDirectory(), { ...smallOptions, segmentBytes: 256 * KiB });
      return run(async () => {
        const log = await openGroup(shared, 'test');
        const noise = await Noise.start(shared);
        const closing = () => Promise.all([log.close(), noise.close()]).then(() => undefined);
        return { ...besides(log, [noise]), close: closing };
      });
    });
  }
});

describe('a medium that fails', () => {
  for (const { name, run } of failingLogStoreCases) {
    test(name, () =>
      run(async () => {
        const files = systemFiles('durable');
        let failing = false;
        const shared = sharedOf(temporaryDirectory(), smallOptions, {
          ...files,
          write(fd, bytes, position) {
            if (failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
            files.write(fd, bytes, position);
          },
        });
        await recoverGroup(shared, 'other');
        return { log: await openGroup(shared, 'test'), fail: () => void (failing = true) };
      }),
    );
  }
});

describe('a medium that gets full', () => {
  for (const { name, run } of fullLogStoreCases) {
    test(name, () =>
      run(async () => {
        const medium = fillable();
        const shared = sharedOf(temporaryDirectory(), smallOptions, medium.files);
        await recoverGroup(shared, 'other');
        const log = await openGroup(shared, 'test');
        return { log, fill: medium.fill, free: medium.free };
      }),
    );
  }
});

/** A file that is made when it is full is refused. */
function fillable() {
  const real = systemFiles('none');
  let isFull = false;
  const files: Files = {
    ...real,
    open(file, how) {
      const grows = how === 'create' && file.includes('draft');
      if (grows && isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      return real.open(file, how);
    },
  };
  return { files, fill: () => void (isFull = true), free: () => void (isFull = false) };
}

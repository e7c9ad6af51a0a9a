import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  append,
  clocked,
  eventually,
  openFiles,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../test/stage.ts';
import { testClock } from '../test/records.ts';
import { Medium } from './medium.ts';

test('a file that is not written to any more may go while it is looked for', async () => {
  // The question about a segment is under way while the next one is begun, and that one leaves.
  const directory = temporaryDirectory();
  const current = path.join(directory, 'current');
  fs.writeFileSync(current, '');
  const files = [{ file: path.join(directory, 'gone'), inode: 1 }];
  let answers = 0;
  const problems: Error[] = [];
  const medium = new Medium({
    directory,
    clock: testClock,
    written: () => files.shift() ?? { file: current, inode: fs.statSync(current).ino },
    answered: () => (answers += 1),
    vanished: (cause) => problems.push(cause),
  });
  medium.ask();
  await eventually(() => answers === 1);
  expect(files).toEqual([]);
  expect(problems).toEqual([]);
});

for (const [what, act] of [
  ['removed', (directory: string) => fs.rmSync(directory, { recursive: true })],
  ['moved', (directory: string) => fs.renameSync(directory, `${temporaryDirectory()}/elsewhere`)],
  [
    'replaced',
    (directory: string) => {
      const file = path.join(directory, '0000000001.log');
      fs.copyFileSync(file, `${file}.new`);
      fs.renameSync(`${file}.new`, file);
    },
  ],
] as const) {
  test(`a directory that is ${what} while the log is open: it stops, and says so`, async () => {
    // What is written goes to a file that the next start would not find.
    const directory = temporaryDirectory();
    let nowMs = 0;
    const log = await openFiles(
      directory,
      smallOptions,
      undefined,
      clocked(() => nowMs),
    );
    await log.recover(() => {});
    await append(log, [vote(1)]);
    act(directory);
    nowMs += 1_000;
    let failure: unknown;
    await eventually(() => {
      log.info();
      log.append([], (error) => (failure ??= error));
      return failure !== undefined;
    });
    expect(failure).toMatchObject({
      code: 'RSL_STORAGE_FAILED',
      message: expect.stringMatching(/was removed or moved/),
    });
    await expect(append(log, [])).rejects.toBe(failure);
    await log.close();
  });
}

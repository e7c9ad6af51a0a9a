import { MemoryShelf } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { KeyValues } from './key-values.ts';
import { Stage } from './keeper-stage.ts';

const MiB = 1024 * 1024;
const large = async (): Promise<Stage<KeyValues>> => {
  const stage = new Stage(new KeyValues());
  await stage.start(new MemoryShelf(), { saveBytesPerSecondMax: MiB });
  await stage.run(4 * 16, (i) => `${i}=${'v'.repeat(MiB / 16)}`);
  return stage;
};

test('a save goes no faster than it may', async () => {
  const stage = await large();
  let isSaved = false;
  const saving = stage.keeper.saveNow().then(() => (isSaved = true));
  await stage.until('saved', () => {
    stage.clock.pass(5);
    return isSaved;
  });
  await saving;
  // All but what came last is waited for, and 20 ms are given to whoever was late.
  expect(stage.clock.ms).toBeGreaterThan(3_700);
  await stage.close();
});

test('a save that waits for its pace is given up within a moment', async () => {
  const stage = await large();
  const saving = stage.keeper.saveNow().catch(({ code }: { code: string }) => code);
  await stage.until('it waits', () => stage.clock.waiting > 0);
  let isClosed = false;
  const closing = stage.close().then(() => (isClosed = true));
  stage.clock.pass(50);
  await stage.until('closed', () => isClosed);
  await closing;
  expect(await saving).toBe('RSL_CLOSED');
});

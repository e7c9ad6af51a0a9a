import { expect, test } from 'vitest';
import { CorruptionError, RslError, StorageError } from '../errors.ts';
import { portable, revived } from './portable-error.ts';

const carried = (error: unknown): Error => revived(structuredClone(portable(error)));

test('an error keeps its code, outcome, message, name and fields from thread to thread', () => {
  const error = carried(new CorruptionError('00001.log', 4_096, 'a checksum fails'));
  expect(error).toBeInstanceOf(RslError);
  expect(error).toMatchObject({
    name: 'CorruptionError',
    code: 'RSL_LOG_CORRUPT',
    outcome: 'none',
    file: '00001.log',
    offset: 4_096,
  });
  expect(error.message).toContain('a checksum fails');
});

test('its cause comes with it, and a circle of causes ends', () => {
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const error = carried(new StorageError('RSL_STORAGE_FULL', 'full', { cause }));
  expect(error.cause).toMatchObject({ message: 'no space', code: 'ENOSPC' });
  const circle = new Error('around');
  circle.cause = circle;
  expect(carried(circle).message).toBe('around');
});

test('what is no error becomes one', () => {
  expect(carried('broken').message).toBe('broken');
  expect(carried({ why: 'broken' }).message).toContain('broken');
});

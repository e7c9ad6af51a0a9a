import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '@rsl/core';
import { expect, test } from 'vitest';
import {
  completeLayerOptions,
  defaultLayerOptions,
  type LayerOptions,
} from '../../src/layer/layer-options.ts';

test('what is not given is as documented', () => {
  expect(completeLayerOptions()).toEqual(defaultLayerOptions);
  expect(completeLayerOptions({ askMs: 5 })).toEqual({
    ...defaultLayerOptions,
    askMs: 5,
  });
});

test.each([
  ['of a name that is none', { retainSlot: 1 }, 'retainSlot'],
  ['out of its range', { chunkBytes: 511 }, 'chunkBytes'],
  ['out of its range', { windowChunks: 1_025 }, 'windowChunks'],
  ['that is no integer', { askMs: 1.5 }, 'askMs'],
  ['that is no number', { pinMs: '5' }, 'pinMs'],
  ['that contradicts another', { stallMs: 500 }, 'stallMs'],
  ['that contradicts another', { giveUpMs: 9_999 }, 'giveUpMs'],
  ['that contradicts another', { pinMs: 59_999 }, 'pinMs'],
])('an option %s is refused by name', (_, given, name) => {
  const complete = (): LayerOptions => completeLayerOptions(given as Partial<LayerOptions>);
  expect(complete).toThrow(InvalidOptionError);
  expect(complete).toThrow(name);
});

test('every option is in docs/limits.md with its default', () => {
  const document = readFileSync(new URL('../../../../docs/limits.md', import.meta.url), 'utf8');
  const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 * 1024 };
  const row = /^\| `([A-Za-z]+)` \| ([0-9,]+)(?: (KiB|MiB|ms))? \| /gm;
  const rows = [...document.matchAll(row)].map(([, name = '', digits = '', unit = '']) => {
    return [name, Number(digits.replaceAll(',', '')) * (units[unit] ?? 1)] as const;
  });
  expect(Object.fromEntries(rows)).toMatchObject(defaultLayerOptions);
});

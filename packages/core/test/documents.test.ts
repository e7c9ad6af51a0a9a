import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defaultLimits, defaultSlow, defaultTimings } from '../src/limits.ts';
import { errorsDocument } from './errors-document.ts';

const document = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('docs/errors.md is what tools/errors-document gives', () => {
  // A code without a documented way out is a dead end for whoever meets it at night.
  expect(document('errors.md')).toBe(errorsDocument());
});

/** The rows of docs/limits.md: name, and what stands in the column of defaults. */
function documented(): Map<string, string> {
  const row = /^\| `([A-Za-z]+)` \| ([^|]+) \|/gm;
  const rows = [...document('limits.md').matchAll(row)];
  return new Map(rows.map(([, name = '', value = '']) => [name, value.trim()]));
}

const numberIn = (text: string): number => {
  const [, digits = '', unit = ''] = /^([0-9,]+)(?: (KiB|MiB|ms))?$/.exec(text) ?? [];
  const number = Number(digits.replaceAll(',', ''));
  return unit === 'KiB' ? number * 1024 : unit === 'MiB' ? number * 1024 * 1024 : number;
};

const defaults = { ...defaultLimits, ...defaultTimings, ...defaultSlow };

test.each(Object.entries(defaults))('%s is in docs/limits.md with its default', (name, value) => {
  // A limit nobody can look up is met for the first time when it is reached.
  const text = documented().get(name);
  expect(text, `${name} has no row in docs/limits.md`).toBeDefined();
  expect(numberIn(text ?? ''), `${name} is documented as ${text}`).toBe(value);
});

test('docs/limits.md names no limit of core that is none', () => {
  const core = document('limits.md').split('\n## Other')[0] ?? '';
  const names = [...core.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, name]) => name ?? '');
  const known = Object.keys(defaults);
  expect(new Set(names)).toEqual(new Set(known));
  expect(names).toHaveLength(known.length);
});

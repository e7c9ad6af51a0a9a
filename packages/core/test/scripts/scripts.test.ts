import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { play } from './script.ts';

const here = new URL('.', import.meta.url);

const scriptsIn = (folder: URL): readonly (readonly [string, string])[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.script'))
    .map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

const lesson = (script: string): string => /^# (.+)/.exec(script)?.[1] ?? '';

for (const [name, script] of scriptsIn(here)) {
  test(`${name}: ${lesson(script)}`, { timeout: 60_000 }, () => play(script));
}

test('every script says in its first line what it teaches', () => {
  const silent = scriptsIn(here).filter(([, script]) => lesson(script) === '');
  expect(silent).toEqual([]);
});

test('what a script expects must come true', async () => {
  const lies = ['executed 1 x', 'state 1 newcomer', 'no-leader 3000', 'answered x', 'fly 1'];
  for (const lie of lies) await expect(play(`lead 1\n${lie}`), lie).rejects.toThrow(lie);
});

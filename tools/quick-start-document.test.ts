import { expect, test } from 'vitest';
import * as source from './tidy/source-files.ts';

const blocks = (document: string): string[] =>
  [...source.read(document).matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);

// What a reader copies must be what the tests run.
const names = ['memory', 'files', 'fence', 'account', 'client', 'stream', 'blocking'];
const quoted = names.map((name) => `${name}.mjs`);

test.each(quoted)('packages/core/README.md quotes %s as it is', (name) => {
  const code = source.read(`examples/quick-start/${name}`);
  expect(blocks('packages/core/README.md')).toContain(code);
});

test('README.md quotes memory.mjs, without its first line', () => {
  const [, ...lines] = source.read('examples/quick-start/memory.mjs').split('\n');
  expect(blocks('README.md')).toEqual([lines.join('\n')]);
});

import { logStoreCases } from '@rsl/core/conformance';
import { expect, test } from 'vitest';
import { fileLog } from '../src/index.ts';
import { contextOf, smallOptions, temporaryDirectory } from './stage.ts';

// Of the kit, what keeps the longest lease: by itself, for it is soon seen when it breaks.
const cases = logStoreCases.filter(({ name }) => name.includes('lease'));

test('the kit says something about leases', () => {
  expect(cases.length).toBeGreaterThan(0);
});

for (const { name, run } of cases) {
  test(name, () => {
    const directory = temporaryDirectory();
    return run(() => fileLog(directory, smallOptions).open(contextOf()));
  });
}

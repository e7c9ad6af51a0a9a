import { expect, test } from 'vitest';
import { withoutContracts } from './without-contracts.ts';

const trimmed = (text: string): string[] =>
  withoutContracts('some.ts', text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

test('contracts go, and what only they used goes with them', () => {
  const text = `
    const isFine = (n: number): boolean => n > 0 || n < -5;
    export class Some {
      #n = 0;
      change(by: number): number {
        requires(() => isFine(by), 'some-1 fine');
        const before = old(() => this.#snapshot());
        this.#n += by;
        ensures(() => this.#isLater(before), 'some-2 later', () => by > 0);
        if (CONTRACTS) checkAll(this);
        return by > 3 ? this.#n : 0;
      }
      #isLater(before: number): boolean {
        return before < this.#snapshot();
      }
      #snapshot(): number {
        return this.#n;
      }
    }`;
  expect(trimmed(text)).toEqual([
    'export class Some {',
    '#n = 0;',
    'change(by: number): number {',
    'this.#n += by;',
    'return by > 3 ? this.#n : 0;',
    '}',
    '}',
  ]);
});

test('no line moves, and what is used or exported stays', () => {
  const text = `import { requires } from '@rsl/contracts';
export const kept = (n: number): number => {
  requires(
    () => n > 0,
    'some-1 fine',
  );
  return used(n);
};
function used(n: number): number {
  return n;
}
`;
  const left = withoutContracts('some.ts', text);
  expect(left.split('\n')).toHaveLength(text.split('\n').length);
  expect(left).toContain('return used(n);');
  expect(left).toContain('function used');
  expect(left).not.toContain('some-1');
});

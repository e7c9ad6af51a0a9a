import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

test('effects come in the order of their making, and a mark tells the later ones', () => {
  const out = new Outbox();
  out.add({ kind: 'alarm', what: 'first' });
  const mark = out.length;
  out.add({ kind: 'alarm', what: 'second' });
  expect(out.since(mark)).toEqual([{ kind: 'alarm', what: 'second' }]);
  expect(out.take()).toHaveLength(2);
  expect(out.take()).toEqual([]);
});

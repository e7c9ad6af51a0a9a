import { expect, test } from 'vitest';
import { silentLogger } from '../ports/logger.ts';
import { EngineLink } from './engine-link.ts';
import { portable } from './portable-error.ts';
import type { RemoteEngine } from './remote-engine.ts';
import type { Order } from './words.ts';

function stage() {
  const orders: Order['kind'][] = [];
  const lines: string[] = [];
  const ends: unknown[] = [];
  const logger = { ...silentLogger, error: (_: object, line: string) => void lines.push(line) };
  const link: EngineLink = new EngineLink(
    { post: ({ kind }) => void orders.push(kind), end: () => link.gone() },
    logger,
  );
  const engine = {
    hasEnded: false,
    end: (error: unknown) => ends.push(error),
  } as unknown as RemoteEngine;
  return { ends, engine, lines, link, orders };
}

test('a thread that ends by itself ends the replica, once and with a reason', () => {
  const { ends, engine, lines, link } = stage();
  link.give(engine);
  link.died(new Error('out of memory'));
  link.gone();
  expect(ends).toMatchObject([{ code: 'RSL_ENGINE_FAILED', cause: { message: 'out of memory' } }]);
  expect(lines).toEqual(['the replica stops']);
});

test('also one that only goes, and one that goes before its engine is there', () => {
  const { ends, engine, link } = stage();
  link.gone();
  link.give(engine);
  expect(ends).toMatchObject([{ code: 'RSL_ENGINE_FAILED' }]);
});

test('one that is told to close goes without a word', async () => {
  const { ends, engine, lines, link, orders } = stage();
  link.give(engine);
  const closed = link.close();
  link.take({ kind: 'closed' });
  await closed;
  expect([ends, lines, orders]).toEqual([[], [], ['close']]);
  await link.close();
  expect(orders).toEqual(['close']);
});

test('what keeps it from starting is what its starter hears', async () => {
  const { link } = stage();
  link.take({ kind: 'stopped', error: portable(new Error('no such disk')) });
  await expect(link.opened).rejects.toThrow('no such disk');
  await expect(link.runs).rejects.toThrow('no such disk');
});

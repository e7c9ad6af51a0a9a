import { expect, test } from 'vitest';
import * as source from '../tidy/source-files.ts';
import { applied, keyModel } from './key-value-model.ts';
import { type Outcome, outcomeOf, replayLine, whatFailed } from './seed.ts';
import { saved, shrunken } from './shrink.ts';
import { summaryOf } from './summary.ts';

test('docs/simulation.md quotes the example as it is, and it runs', {
  timeout: 60_000,
}, async () => {
  expect(source.read('docs/simulation.md')).toContain(source.read('tools/simulate/example.ts'));
  await import('./example.ts');
});

test('docs/simulation.md names every kind of fault', async () => {
  const { faultKinds } = await import('@rsl/core/testing');
  const document = source.read('docs/simulation.md');
  expect(Object.keys(faultKinds).filter((kind) => !document.includes(`\`${kind}\``))).toEqual([]);
});

test('a key of the model is a key of Redis', () => {
  const set = { name: 'SET', key: 'a', value: 'x' } as const;
  const get = { name: 'GET', key: 'a', value: '' } as const;
  expect(applied(null, get)).toEqual({ reply: '$-1\r\n', state: null });
  expect(applied(null, set)).toEqual({ reply: '+OK\r\n', state: 'x' });
  expect(keyModel.step('x', get, '$1\r\ny\r\n')).toEqual({ ok: false, state: 'x' });
});

test('the server’s state machine holds in a seed', { timeout: 60_000 }, async () => {
  const outcome = await outcomeOf({ seed: 3, durationMs: 5_000, stormMs: 3_000 });
  expect(outcome).toMatchObject({ drawn: { machine: 'key-value' }, unjudged: 0 });
  expect(outcome.failure).toBeUndefined();
  expect(outcome.operations).toBeGreaterThan(20);
  expect(summaryOf([outcome])).toMatchObject({ seeds: 1, unjudged: 0 });
});

test('seeds save, cut, fetch and install, and their shelves are bad', {
  timeout: 120_000,
}, async () => {
  const faults = { shelfFull: 3, shelfReadError: 3, shelfRot: 3, wipe: 2 } as const;
  const sum = { saves: 0, cuts: 0, fetches: 0, installs: 0 };
  const all = new Set<string>();
  for (const seed of [1, 2, 3]) {
    const { report } = await outcomeOf({ seed, durationMs: 20_000, stormMs: 10_000, faults });
    if (report?.snapshots === undefined) throw new Error(`seed ${seed} says nothing of snapshots`);
    const { met, ...counts } = report.snapshots;
    for (const name of ['saves', 'cuts', 'fetches', 'installs'] as const) sum[name] += counts[name];
    for (const name of Object.keys(met)) all.add(name);
  }
  for (const count of Object.values(sum)) expect(count).toBeGreaterThan(0);
  expect([...all]).toEqual(expect.arrayContaining(['full in a save']));
});

const failing = (seed: number, crash: 0 | 1 | 2 | 3, pause: 0 | 1): Outcome => ({
  case: { seed, faults: { crash, pause }, clients: 1, durationMs: 1, machine: 'digest' },
  drawn: { replicas: 3, faults: { crash, pause }, machine: 'digest', beyond: false },
  operations: 0,
  unjudged: 0,
  failure: { kind: 'safety', message: `slot ${seed} is lost`, step: seed, atMs: seed },
});

test('a failing case is shrunk to what it needs', async () => {
  // Only crashes are needed here, and the slot that is lost is another one each time.
  const run = async ({ seed, faults }: Outcome['case']): Promise<Outcome> => {
    const outcome = failing(seed, faults?.crash ?? 0, 0);
    const { failure: _, ...held } = outcome;
    return (faults?.crash ?? 0) > 0 ? outcome : held;
  };
  const small = await shrunken(failing(7, 3, 1), run, () => {});
  expect(small.drawn.faults).toEqual({ crash: 1, pause: 0 });
  expect(saved(small)).toContain('# Seed 7: slot 7 is lost\nsimulate {"seed":7');
  expect(replayLine({ seed: 7 })).toBe('npm run simulate -- --seed 7');
});

test('failures are the same if only their numbers differ', () => {
  const { failure: a } = failing(7, 1, 0);
  const { failure: b } = failing(8, 1, 0);
  expect(a && whatFailed(a)).toBe(b && whatFailed(b));
});

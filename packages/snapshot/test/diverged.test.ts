// One state machine does not do what the others do: it is found, and its replica stops (P7).
import type { Batch, Results } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import type { Progress } from '../src/index.ts';
import { Group, until } from './group.ts';

let group: Group;

afterEach(async () => {
  await group.close();
});

const options = {
  everySlots: 20,
  everyBytes: 0,
  compareEverySlots: 10,
  retainSlots: 5,
  spareSnapshots: 0,
  askMs: 20,
  gatherMs: 20,
};

/** From some slot on it differs. */
class Wrong extends DigestMachine {
  readonly #from: number;

  constructor(from: number) {
    super();
    this.#from = from;
  }

  override execute(batch: Batch, results: Results): void {
    super.execute(batch, results);
    if (batch.slot >= this.#from) this.digest ^= 1;
  }
}

type Told = Extract<Progress, { readonly kind: 'diverged' }>;

/** What each member has said of a difference. */
function listening(): Told[] {
  const told: Told[] = [];
  group.onProgress = (progress) => {
    if (progress.kind === 'diverged') told.push(progress);
  };
  return told;
}

test('a minority that differs sets its snapshots aside and stops; a start heals it', async () => {
  let wrongFrom = 35;
  const machine = (id: number) => (id === 3 ? new Wrong(wrongFrom) : new DigestMachine());
  group = new Group({ snapshots: options, machine });
  const told = listening();
  await group.formed();
  const wrong = group.at(3);
  let reason: string | undefined;
  wrong.on('stopped', ({ error }) => (reason = error?.code));
  await Promise.race([group.work(200), until('it stops', () => reason !== undefined)]);
  expect(reason).toBe('RSL_DIVERGED');
  expect(told.find(({ verdict }) => verdict === 'here')?.others).toEqual([1, 2]);
  expect(told.filter(({ slot }) => slot < wrongFrom)).toEqual([]);
  expect(group.shelf(3).snapshots.size).toBe(0);
  await group.stop(3);
  wrongFrom = Infinity;
  await group.work(30);
  await group.start(3);
  await group.settled();
});

test('all that execute the same save the same after common slots', async () => {
  group = new Group({ snapshots: options });
  const told = listening();
  await group.formed();
  const session = await group.at(2).openSession({ timeoutMs: 15_000 });
  for (let i = 0; i < 20; i += 1) await session.propose(new Uint8Array(4).fill(i));
  await group.work(60);
  await session.close();
  await group.work(20);
  await group.settled();
  expect(told).toEqual([]);
  expect(group.ids.every((id) => group.at(id).status().state !== 'stopped')).toBe(true);
});

test('asked only to warn, it warns, and goes on', async () => {
  const machine = (id: number) => (id === 3 ? new Wrong(5) : new DigestMachine());
  group = new Group({ snapshots: { ...options, onDiverged: 'warn' }, machine });
  const told = listening();
  await group.formed();
  await group.work(60);
  await until('it is told', () => told.some(({ verdict }) => verdict === 'here'));
  expect(told.some(({ verdict }) => verdict === 'elsewhere')).toBe(true);
  expect(group.at(3).status().state).not.toBe('stopped');
  expect(group.shelf(3).snapshots.size).toBeGreaterThan(0);
});

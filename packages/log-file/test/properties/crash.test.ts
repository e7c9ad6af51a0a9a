import fs from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemFiles } from '../../src/files.ts';
import { CrashFiles, type Survives } from '../crash-files.ts';
import { openAndRecover, seededRandom, temporaryDirectory } from '../stage.ts';
import { type Action, history, Player } from './history.ts';
import { changesAt, type Contents, imageAt, torn, written } from './images.ts';
import { Model, roundOf } from './model.ts';
import { patienceMs, runs } from './runs.ts';

const allLost: Survives = () => false;
const allThere: Survives = () => true;

interface Life {
  readonly files: CrashFiles;
  readonly model: Model;
}

async function live(actions: readonly Action[]): Promise<Life> {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const player = new Player(directory, files);
  await player.open();
  for (const action of actions) await player.run(action);
  await player.close();
  fs.rmSync(directory, { recursive: true });
  return { files, model: player.model };
}

/**
 * Opens what a crash has left: all that was durable is there, nothing else than what was appended,
 * and the log works on. Gives the second life, which may crash in its turn.
 */
async function reopen(contents: Contents, durable: number, model: Model): Promise<Life> {
  const directory = written(contents);
  const files = new CrashFiles(directory);
  const probe = new Player(directory, files, new Recovered(model, durable));
  await probe.open();
  for (const slot of [0, 1, 2]) {
    await probe.run({ kind: 'read', ahead: slot, slots: 9 });
  }
  probe.append([
    { kind: 'vote', ahead: 1, round: 2, length: 4_000 },
    { kind: 'decided', ahead: 0 },
  ]);
  probe.append([{ kind: 'promise' }]);
  await probe.run({ kind: 'reopen' });
  await probe.close();
  fs.rmSync(directory, { recursive: true });
  return { files, model: probe.model };
}

/** What a log must give back of which at least `durable` groups were durable. */
class Recovered extends Model {
  #durable: number | undefined;
  constructor(of: Model, durable: number) {
    super();
    this.take(of);
    this.#durable = durable;
  }

  override expectRecovered(...[records, firstSlot, all]: Parameters<Model['expectRecovered']>) {
    if (this.#durable === undefined) return super.expectRecovered(records, firstSlot, all);
    const kept = Model.keptOf(records);
    expect(kept, 'groups that are there').toBeGreaterThanOrEqual(this.#durable);
    this.expectFirstSlot(firstSlot, this.#durable);
    this.#durable = undefined;
    super.expectRecovered(records, firstSlot, kept);
    this.forget(kept, firstSlot);
  }
}

async function checked(where: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`${where}: ${String(error)}`, { cause: error });
  }
}

test(
  'whatever a crash leaves of any history, what was durable is there and nothing else',
  async () => {
    const seeds = fc.nat({ max: 2 ** 31 });
    await fc.assert(
      fc.asyncProperty(history(25), seeds, async (actions, seed) => {
        const { files, model } = await live(actions);
        const random = seededRandom(seed);
        const some: Survives = () => random.below(2) === 0;
        for (const [at, step] of files.steps.entries()) {
          if (step.kind === 'note') continue;
          const survives = [allLost, some, allThere][random.below(3)] ?? some;
          await checked(`crash at step ${at}, ${step.kind}`, async () => {
            const { contents, durable } = imageAt(files, at, survives, some);
            const second = await reopen(contents, durable, model);
            await crashAgain(second, durable, random.below(second.files.steps.length), some);
          });
        }
      }),
      runs(401, 6),
    );
  },
  patienceMs,
);

/** A second crash, in the middle of recovering from the first or soon after. */
async function crashAgain(life: Life, durable: number, at: number, some: Survives): Promise<void> {
  const { contents, durable: then } = imageAt(life.files, at, some, some);
  await reopen(contents, Math.max(durable, then), life.model);
}

test(
  'a write that is torn at any byte is there as a whole or not at all',
  async () => {
    const parts = fc.nat({ max: 100 }).map((n) => n / 100);
    await fc.assert(
      fc.asyncProperty(history(20), parts, async (actions, part) => {
        const { files, model } = await live(actions);
        for (const [at, step] of files.steps.entries()) {
          if (step.kind !== 'write') continue;
          const changes = changesAt(files, at);
          if (changes === undefined) continue;
          const { durable } = imageAt(files, at, allLost, allThere);
          await checked(`torn at step ${at}, part ${part}`, () =>
            reopen(torn(changes, part), durable, model),
          );
        }
      }),
      runs(402, 8),
    );
  },
  patienceMs,
);

test('a promise that a vote raised outlives the slot of that vote', async () => {
  // The slot is forgotten while its segment is still there.
  const model = new Model();
  const player = new Player(
    temporaryDirectory(),
    Object.assign(systemFiles('none'), { note() {} }),
    model,
  );
  await player.open();
  player.append([{ kind: 'vote', ahead: 0, round: 1, length: 0 }]);
  await player.run({ kind: 'truncate', by: 1 });
  player.append([]);
  await player.close();
  const { records, log } = await openAndRecover(player.directory);
  await log.close();
  expect(roundOf(records)).toBe(1);
});

/** What looking tells is what opening finds, whatever there is to be found. */
import fs from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrashFiles, type Survives } from '../crash-files.ts';
import { type Action, history, Player } from '../properties/history.ts';
import { type Contents, contentsOf, imageAt, written } from '../properties/images.ts';
import { patienceMs, runs } from '../properties/runs.ts';
import { openAndRecover, seededRandom, temporaryDirectory } from '../stage.ts';
import { expectSame, look, type Looked } from './stage.ts';

async function live(actions: readonly Action[]) {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const player = new Player(directory, files);
  await player.open();
  for (const action of actions) await player.run(action);
  await player.close();
  const contents = contentsOf(directory);
  fs.rmSync(directory, { recursive: true });
  return { contents, files };
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** Looks, then opens: they say the same. */
async function expectAgreement(contents: Contents): Promise<Looked['report'] | undefined> {
  const directory = written(contents);
  try {
    return await agreed(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

async function agreed(directory: string): Promise<Looked['report'] | undefined> {
  const looked = await look(directory).catch(codeOf);
  const opened = await openAndRecover(directory).catch(codeOf);
  if (typeof looked === 'string') {
    if (looked === 'RSL_WRONG_STORE') expect(opened).toBe('RSL_WRONG_STORE');
    // There is nothing yet: opening makes it.
    else expect([looked, typeof opened]).toEqual(['RSL_INVALID_OPTION', 'object']);
    return undefined;
  }
  const { report } = looked as Looked;
  if (typeof opened === 'string') {
    expect(opened).toBe('RSL_LOG_CORRUPT');
    expect(report.damageCount).toBeGreaterThan(0);
    return report;
  }
  const { log, records } = opened as Awaited<ReturnType<typeof openAndRecover>>;
  const others = report.damage.filter(
    ({ problem }) => !/^the value of slot \d+ fails/.test(problem),
  );
  expect(others).toEqual([]);
  if (report.damageCount === 0) expect(log.info().damaged.size).toBe(0);
  if (log.info().created) expect(report.identity).toBeUndefined();
  else {
    const { position } = await log.recover(() => {});
    expectSame(report, 'test', log, records, position);
  }
  await log.close();
  return report;
}

test(
  'whatever a crash leaves is no damage, and holds what opening finds',
  async () => {
    let torn = 0;
    const seeds = fc.nat({ max: 2 ** 31 });
    await fc.assert(
      fc.asyncProperty(history(20), seeds, async (actions, seed) => {
        const { files } = await live(actions);
        const random = seededRandom(seed);
        const some: Survives = () => random.below(2) === 0;
        for (const [at, step] of files.steps.entries()) {
          if (step.kind === 'note') continue;
          const report = await expectAgreement(imageAt(files, at, some, some).contents);
          expect(report?.damage ?? []).toEqual([]);
          if (report?.tail?.torn === true) torn += 1;
        }
      }),
      runs(701, 20),
    );
    expect(torn).toBeGreaterThan(20);
  },
  patienceMs,
);

const part = fc.nat({ max: 9_999 }).map((n) => n / 10_000);
const rot = fc.record({ file: fc.nat({ max: 3 }), at: part, bits: fc.nat({ max: 8 }) });

/** One bit, or a whole sector. */
function spoil(contents: Contents, { file, at, bits }: { file: number; at: number; bits: number }) {
  const names = [...contents.keys()].filter((name) => /\.log$|^identity$/.test(name)).toSorted();
  const bytes = contents.get(names[file % names.length] as string) as Buffer;
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const offset = Math.floor(at * used);
  if (bits < 8) bytes[offset] = (bytes[offset] as number) ^ (1 << bits);
  else {
    const sector = offset - (offset % 512);
    bytes.fill(0, sector, Math.min(sector + 512, bytes.length));
  }
}

test(
  'damage is listed if and only if opening finds some',
  async () => {
    const counts = { sound: 0, damaged: 0, several: 0 };
    const rots = fc.array(fc.array(rot, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 40,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(history(25), rots, async (actions, all) => {
        const { contents } = await live(actions);
        for (const some of all) {
          const spoilt: Contents = new Map([...contents].map(([n, b]) => [n, Buffer.from(b)]));
          for (const one of some) spoil(spoilt, one);
          const report = await expectAgreement(spoilt);
          if (report === undefined) continue;
          counts[report.damageCount === 0 ? 'sound' : 'damaged'] += 1;
          if (report.damageCount > 1) counts.several += 1;
        }
      }),
      runs(702, 20),
    );
    expect(counts.sound).toBeGreaterThan(20);
    expect(counts.damaged).toBeGreaterThan(100);
    expect(counts.several).toBeGreaterThan(50);
  },
  patienceMs,
);

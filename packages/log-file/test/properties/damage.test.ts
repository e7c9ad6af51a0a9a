import fs from 'node:fs';
import type { LogRecord, LogStore } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FileLogStore } from '../../src/file-log-store.ts';
import { CrashFiles } from '../crash-files.ts';
import { openFiles, recordsOf, shapesOf, temporaryDirectory } from '../stage.ts';
import { type Action, history, Player } from './history.ts';
import { changesAt, type Contents, contentsOf, imageAt, written } from './images.ts';
import { isOfSlot, Model, roundOf, shownValue } from './model.ts';
import { patienceMs, runs } from './runs.ts';

const sectorBytes = 512;
const blockBytes = 4_096;

/** What rots: `at` is a part of what is used, so that it shrinks and fits every history. */
interface Rot {
  readonly kind: 'bit' | 'bit of a header' | 'zeros' | 'misplaced sector';
  readonly file: number;
  readonly at: number;
  readonly bit: number;
}

const part = fc.nat({ max: 9_999 }).map((n) => n / 10_000);
const rot = fc.record<Rot>({
  kind: fc.constantFrom('bit', 'bit of a header', 'zeros', 'misplaced sector'),
  file: fc.nat({ max: 3 }),
  at: part,
  bit: fc.nat({ max: 7 }),
});

async function live(actions: readonly Action[]) {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const player = new Player(directory, files);
  await player.open();
  const { store } = player.log.info();
  for (const action of actions) await player.run(action);
  await player.close();
  const contents = contentsOf(directory);
  fs.rmSync(directory, { recursive: true });
  return { files, model: player.model, contents, store };
}

function flip(bytes: Buffer, offset: number, bit: number): void {
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
}

/** Changes one sector at most of what is used of one file. */
function spoil(contents: Contents, { kind, file, at, bit }: Rot): string {
  const names = [...contents.keys()].filter((name) => /\.log$|^identity$/.test(name)).toSorted();
  const name = names[file % names.length] as string;
  const bytes = contents.get(name) as Buffer;
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  let offset = Math.floor(at * used);
  if (kind === 'bit') flip(bytes, offset, bit);
  if (kind === 'bit of a header') {
    offset = Math.min(offset - (offset % blockBytes) + (offset % 256), used - 1);
    flip(bytes, offset, bit);
  }
  const sector = offset - (offset % sectorBytes);
  if (kind === 'zeros') bytes.fill(0, sector, Math.min(sector + sectorBytes, bytes.length));
  if (kind === 'misplaced sector') {
    const from = (bit * blockBytes) % bytes.length;
    bytes.copy(bytes, sector, from, from + sectorBytes);
  }
  return `${kind} at ${offset} of ${name}, ${used} bytes`;
}

/** Drafts that were not finished may be gone; whatever may hold data is as it was. */
const isSame = (now: Contents, before: Contents): boolean =>
  [...before].every(([name, bytes]) => {
    return !/\.log$|^identity$/.test(name) || now.get(name)?.equals(bytes) === true;
  });

/** Opens and gives everything back, or says that something is damaged, and changes nothing. */
async function opened(contents: Contents): Promise<FileLogStore | undefined> {
  const directory = written(contents);
  try {
    return await openFiles(directory);
  } catch (error) {
    expect((error as { code?: string }).code).toMatch(/^RSL_(LOG_CORRUPT|WRONG_STORE)$/);
    expect(isSame(contentsOf(directory), contents), 'nothing is changed').toBe(true);
    fs.rmSync(directory, { recursive: true });
    return undefined;
  }
}

/**
 * Everything but what it says to be damaged is as it was. A record that another one of the same
 * slot has replaced may be gone: its value was of no use any more.
 */
async function expectHonest(log: FileLogStore, records: readonly LogRecord[], model: Model) {
  const { damaged, firstSlot } = log.info();
  const given = model.groups.flat();
  const isSound = (r: LogRecord) => !isOfSlot(r) || !damaged.has(r.slot);
  const [found, wanted] = [records, given].map((all) => newestOf(all.filter(isSound)));
  model.expectRest(found ?? [], firstSlot, wanted ?? []);
  expect(isPartOf(shapesOf(records.filter(isOfSlot)), shapesOf(given))).toBe(true);
  expect(roundOf(records), 'the promise').toBe(roundOf(given));
  // The closing mark may be what rots: then its firstSlot is that of the group before it.
  model.expectFirstSlot(firstSlot, model.groups.length);
  const values = new Model();
  values.take(model);
  values.firstSlot = firstSlot;
  for (let slot = firstSlot; slot <= firstSlot + 15; slot += 1) {
    await expectValue(log, slot, damaged.has(slot), values);
  }
}

/** Of each slot the record that counts, by slot; behind everything that is of no slot. */
function newestOf(records: readonly LogRecord[]): readonly LogRecord[] {
  const newest = new Map<number, LogRecord>();
  for (const record of records) {
    if (!isOfSlot(record)) continue;
    const isVoid = record.kind === 'vote' && newest.get(record.slot)?.kind === 'decided';
    if (!isVoid) newest.set(record.slot, record);
  }
  const slots = [...newest.keys()].toSorted((a, b) => a - b);
  const others = records.filter((r) => !isOfSlot(r));
  return [...others, ...slots.map((slot) => newest.get(slot) as LogRecord)];
}

/** In the same order, with nothing else between. */
function isPartOf(part: readonly string[], whole: readonly string[]): boolean {
  let at = -1;
  return part.every((each) => {
    at = whole.indexOf(each, at + 1);
    return at >= 0;
  });
}

async function expectValue(log: LogStore, slot: number, isDamaged: boolean, model: Model) {
  const reading = log.read(slot, slot, 1e9);
  if (isDamaged) {
    await expect(reading).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  } else {
    expect((await reading).map(shownValue)).toEqual(model.values(slot, slot));
  }
}

test(
  'rot anywhere in a closed log is reported, or harmless, and never a wrong value',
  async () => {
    const rots = fc.array(rot, { minLength: 1, maxLength: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(history(25), rots, async (actions, all) => {
        const { contents, model, store } = await live(actions);
        for (const one of all) {
          const spoilt: Contents = new Map([...contents].map(([n, b]) => [n, Buffer.from(b)]));
          const what = spoil(spoilt, one);
          const log = await opened(spoilt);
          if (log === undefined) continue;
          try {
            const records = await recordsOf(log);
            expect(log.info()).toMatchObject({ store, created: false });
            await expectHonest(log, records, model);
          } catch (error) {
            throw new Error(`${what}: ${String(error)}`, { cause: error });
          } finally {
            await log.close();
          }
        }
      }),
      runs(501, 30),
    );
  },
  patienceMs,
);

const groupMagic = Buffer.from('RSLg');
const isGroups = (bytes: Uint8Array) => groupMagic.equals(bytes.subarray(0, groupMagic.length));

/** Writes of groups that a later one vouches for, before step `at`. */
function vouchedFor(files: CrashFiles, at: number): readonly number[] {
  const writes = [...files.steps.entries()].filter(
    ([i, step]) => i < at && step.kind === 'write' && isGroups(step.bytes),
  );
  return writes.slice(0, -1).map(([i]) => i);
}

test(
  'rot in what a later write vouches for is never taken for a torn tail',
  async () => {
    const places = fc.array(fc.tuple(part, part, part, fc.nat({ max: 7 })), {
      minLength: 25,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(history(20), places, async (actions, all) => {
        const { files, model } = await live(actions);
        for (const [crash, which, where, bit] of all) {
          const at = Math.floor(crash * files.steps.length);
          const vouched = vouchedFor(files, at);
          const step = vouched[Math.floor(which * vouched.length)];
          const changes = step === undefined ? undefined : changesAt(files, step);
          if (step === undefined || changes === undefined) continue;
          const offset = changes.offsets[Math.floor(where * changes.offsets.length)] ?? 0;
          const { contents, durable } = imageAt(
            files,
            at,
            () => false,
            () => true,
          );
          const bytes = contents.get(changes.name);
          // The segment may be gone by then, or be another one of the same file.
          if (bytes === undefined || !isUnchanged(changes, bytes)) continue;
          flip(bytes, offset, bit);
          await expectKept(
            contents,
            durable,
            model,
            `crash at ${at}, rot of write ${step}, ${offset}`,
          );
        }
      }),
      runs(502, 40),
    );
  },
  patienceMs,
);

const isUnchanged = (
  { after, name, offsets }: NonNullable<ReturnType<typeof changesAt>>,
  now: Buffer,
) => offsets.every((offset) => now[offset] === after.get(name)?.[offset]);

/** Refuses to open, or has all that was durable. */
async function expectKept(contents: Contents, durable: number, model: Model, what: string) {
  const log = await opened(contents);
  if (log === undefined) return;
  try {
    const records = await recordsOf(log);
    const kept = new Model();
    kept.take(model);
    const groups = Model.keptOf(records);
    expect(groups).toBeGreaterThanOrEqual(durable);
    kept.forget(groups, log.info().firstSlot);
    await expectHonest(log, records, kept);
  } catch (error) {
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  } finally {
    await log.close();
  }
}

test('an opening that refuses changes nothing, also when the carry rots', async () => {
  // The last append fills its segment, and is forgotten: the closing mark and the carry
  // of the next segment are the only copy of the promise.
  const lengths = [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100];
  const { contents } = await live([
    ...lengths.flatMap((length): readonly Action[] => [
      { kind: 'append', records: [{ kind: 'vote', ahead: 0, round: 1, length }] },
      { kind: 'settle' },
    ]),
    { kind: 'truncate', by: 1 },
  ]);
  expect([...contents.keys()]).not.toContain('0000000001.log');
  const bytes = contents.get('0000000002.log') as Buffer;
  flip(bytes, blockBytes, 0);
  const directory = written(contents);
  await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  expect(isSame(contentsOf(directory), contents)).toBe(true);
});

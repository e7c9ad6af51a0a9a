import fs from 'node:fs';
import path from 'node:path';
import type { Ballot, LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { CrashFiles, type Survives } from './crash-files.ts';
import {
  append,
  KiB,
  openAndRecover,
  openFiles,
  range,
  seededRandom,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const allLost: Survives = () => false;
const allThere: Survives = () => true;

/** Each append is one group: [start n, a vote of slot n], so that halves would show. */
const groupOf = (n: number, length: number): LogRecord[] => [
  { kind: 'start', count: n, nonce: n },
  vote(n, 1, length),
];

const slotsOf = (records: readonly LogRecord[]): number[] =>
  records.flatMap((record) => (record.kind === 'vote' ? [record.slot] : []));

describe('damage', () => {
  /** Three groups in one segment, closed in an orderly way; only what is used of the segment. */
  async function smallLog(): Promise<{ directory: string; records: string[] }> {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    await append(log, [{ kind: 'promise', ballot: { configuration: 1, round: 2, proposer: 3 } }]);
    await append(log, [vote(1), vote(2, 1, 300)]);
    await append(log, [{ kind: 'decided-through', slot: 1 }, vote(3, 1, 5_000)]);
    await log.close();
    const { log: again, records } = await openAndRecover(directory);
    await again.close();
    return { directory, records: shapesOf(records) };
  }

  /** Every byte of what is close to a header; RSL_LONG=1 takes every byte that is used at all. */
  function stepAt(offset: number): number {
    if (offset > 24 * KiB) return 1021;
    return process.env['RSL_LONG'] === '1' || offset % 4096 < 224 ? 1 : 29;
  }

  const flipBit = (file: string, offset: number, bit: number) => {
    const fd = fs.openSync(file, 'r+');
    const byte = Buffer.alloc(1);
    fs.readSync(fd, byte, 0, 1, offset);
    byte[0] = (byte[0] as number) ^ (1 << bit);
    fs.writeSync(fd, byte, 0, 1, offset);
    fs.closeSync(fd);
  };

  /** Shapes of records, and behind them of those whose values are lost; or the error's code. */
  async function outcome(directory: string): Promise<string[] | string> {
    try {
      const { log, records } = await openAndRecover(directory);
      const lost = [...log.info().damaged].map(([slot, ballot]) => lostShape(slot, ballot));
      await log.close();
      return [...shapesOf(records), ...lost];
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }

  const lostShape = (slot: number, ballot: Ballot) => `lost ${slot} ${JSON.stringify(ballot)} `;

  /** What was stored, where some of the votes are lost (S3). */
  function withLost(records: readonly string[], result: readonly string[]): string[] {
    const isLost = (shape: string) => result.some((r) => shape.startsWith(asVote(r)));
    const asVote = (r: string) => (r.startsWith('lost') ? r.replace('lost', 'vote') : '\0');
    const lost = records.filter(isLost).map((shape) => /^(vote \d+ \S+ )/.exec(shape)?.[1] ?? '');
    return [
      ...records.filter((shape) => !isLost(shape)),
      ...lost.map((shape) => shape.replace('vote', 'lost')),
    ];
  }

  test('a flipped bit: the same records, a lost value, or RSL_LOG_CORRUPT', async () => {
    const { directory, records } = await smallLog();
    const names = fs.readdirSync(directory).filter((name) => /\.log$|^identity$/.test(name));
    expect(names).toEqual(['0000000001.log', 'identity']);
    const before = new Map(
      names.map((name) => [name, fs.readFileSync(path.join(directory, name))]),
    );
    const counts = { same: 0, lost: 0, corrupt: 0 };
    for (const [name, bytes] of before) {
      const file = path.join(directory, name);
      for (let offset = 0; offset < bytes.length; offset += stepAt(offset)) {
        flipBit(file, offset, offset % 8);
        const result = await outcome(directory);
        const where = `${name}, byte ${offset}`;
        if (typeof result === 'string') {
          counts.corrupt += 1;
          expect(result, where).toMatch(/^RSL_(LOG_CORRUPT|WRONG_STORE)$/);
        } else {
          const wanted = withLost(records, result);
          if (wanted.some((shape) => shape.startsWith('lost'))) counts.lost += 1;
          else counts.same += 1;
          expect(result, where).toEqual(wanted);
        }
        for (const [other, was] of before) fs.writeFileSync(path.join(directory, other), was);
      }
    }
    expect(counts.corrupt).toBeGreaterThan(400);
    expect(counts.lost).toBeGreaterThan(50);
    expect(counts.same).toBeGreaterThan(100);
  }, 400_000);

  test('random bytes anywhere: the same records, lost values, or a typed error', async () => {
    const { directory, records } = await smallLog();
    const random = seededRandom(5);
    const file = path.join(directory, '0000000001.log');
    const before = fs.readFileSync(file);
    // Header, carry and first append, second, third (two blocks), mark.
    const markAt = 5 * 4096;
    for (let round = 0; round < 200; round++) {
      const bytes = Buffer.from(before);
      const from = random.below(30 * KiB);
      const to = Math.min(bytes.length, from + 1 + random.below(8 * KiB));
      for (let i = from; i < to; i++) bytes[i] = random.below(256);
      fs.writeFileSync(file, bytes);
      const result = await outcome(directory);
      if (typeof result === 'string') expect(result).toBe('RSL_LOG_CORRUPT');
      // Whoever loses the closing mark as well loses what it vouched for: the documented window.
      else if (to <= markAt) expect(result).toEqual(withLost(records, result));
      else expect(result).toEqual(withLost(records.slice(0, result.length), result));
    }
  }, 60_000);

  test('a log of random bytes, of any length, is refused', async () => {
    const { directory } = await smallLog();
    const random = seededRandom(6);
    const file = path.join(directory, '0000000001.log');
    for (const length of [0, 1, 4095, 4096, 5000, 65_536, 70_000]) {
      fs.writeFileSync(
        file,
        Uint8Array.from({ length }, () => random.below(256)),
      );
      expect(await outcome(directory)).toBe('RSL_LOG_CORRUPT');
    }
  });

  test('a last write that no later one vouches for is dropped when it is bad', async () => {
    // The window: the power fails right after group 2, which was said to be durable, and its
    // block rots. That is the same picture as a write that was torn.
    const directory = temporaryDirectory();
    const files = new CrashFiles(directory);
    const { log } = await openAndRecover(directory, smallOptions, files);
    await append(log, groupOf(1, 10));
    await append(log, groupOf(2, 10));
    const at = files.steps.findLastIndex((step) => step.kind === 'write');
    await log.close();
    const image = temporaryDirectory();
    files.image(image, at, allLost, allThere);
    const { log: again, records } = await openAndRecover(image);
    expect(slotsOf(records)).toEqual([1]);
    await again.close();
  });

  test('a group is damage as soon as a later one says that it was synced', async () => {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    await append(log, groupOf(1, 10));
    await append(log, groupOf(2, 10));
    await log.close();
    // Segment header, then one block for the carry and group 1, then group 2, then the mark.
    flipBit(path.join(directory, '0000000001.log'), 2 * 4096 + 70, 3);
    await expect(openFiles(directory)).rejects.toMatchObject({
      code: 'RSL_LOG_CORRUPT',
      file: path.join(directory, '0000000001.log'),
    });
  });

  test('damage is refused at every opening, and nothing is changed', async () => {
    const { directory } = await smallLog();
    const file = path.join(directory, '0000000001.log');
    flipBit(file, 2 * 4096 + 100, 0);
    const before = fs.readFileSync(file);
    expect(await outcome(directory)).toBe('RSL_LOG_CORRUPT');
    expect(await outcome(directory)).toBe('RSL_LOG_CORRUPT');
    expect(fs.readFileSync(file).equals(before)).toBe(true);
  });

  test('never starts empty: what is missing is named (S6)', async () => {
    const full = async () => {
      const directory = temporaryDirectory();
      const { log } = await openAndRecover(directory);
      for (const n of range(1, 12)) await append(log, groupOf(n, 20_000));
      await log.close();
      return directory;
    };
    for (const name of ['identity', '0000000001.log', '0000000002.log']) {
      const directory = await full();
      fs.rmSync(path.join(directory, name));
      await expect(openFiles(directory), name).rejects.toMatchObject({
        code: 'RSL_LOG_CORRUPT',
        file: path.join(directory, name),
      });
    }
    const directory = await full();
    for (const name of fs.readdirSync(directory)) {
      if (name.endsWith('.log')) fs.rmSync(path.join(directory, name));
    }
    await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { LoneLog, LoneMachine } from '@rsl/core/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { imageLayout } from '../../src/image-layout.ts';
import { inspectSnapshots } from '../../src/inspect/index.ts';
import { replay } from '../../src/offline/index.ts';
import { writeSnapshot } from '../../src/offline/write-snapshot.ts';
import { KeyValues } from '../key-values.ts';
import { temporaryDirectory } from '../stage.ts';
import { decidedOf, membershipOf } from './decided.ts';

const commands = ['a=1', 'b=2', 'a=3', 'c=4', 'b=5', 'a=6', 'd=7', 'a=8'];

let lone: LoneMachine;
let machine: KeyValues;

beforeEach(async () => {
  machine = new KeyValues();
  lone = new LoneMachine(machine);
  await lone.start();
});

/** What they had come to, after each slot. */
function execute(some = commands): string[][] {
  return some.map((command) => {
    lone.execute(command);
    return machine.entries;
  });
}

/** A snapshot of what the lone machine has executed, in a directory of its own or in this one. */
async function saved(directory = temporaryDirectory(), group = 'feedfacefeedface') {
  const slot = lone.state.executedThrough;
  const about = { slot, membership: membershipOf(group), layout: imageLayout };
  const own = temporaryDirectory();
  const image = () => lone.state.save();
  const { meta, where } = await writeSnapshot({
    directory: own,
    group: 'tested',
    self: 1,
    about,
    image,
  });
  fs.copyFileSync(where, path.join(directory, path.basename(where)));
  return { directory, meta, file: path.join(directory, path.basename(where)) };
}

const spoil = (file: string): void => {
  const bytes = fs.readFileSync(file);
  const at = bytes.length - 100;
  bytes[at] = (bytes[at] as number) ^ 1;
  fs.writeFileSync(file, bytes);
};

async function replayed(given: Partial<Parameters<typeof replay>[0]> = {}) {
  const stateMachine = new KeyValues();
  const log = decidedOf(lone.log);
  const came = await replay({ log, stateMachine, ...given });
  return { ...came, entries: stateMachine.entries, executed: stateMachine.executed };
}

describe('a replay', () => {
  test('brings a state machine to what it was after any slot', async () => {
    const states = execute();
    for (const [i, entries] of states.entries()) {
      expect(await replayed({ through: i + 1 })).toMatchObject({ slot: i + 1, entries });
    }
    const { slot, timeMs } = await replayed();
    expect({ slot, timeMs }).toEqual({ slot: 8, timeMs: lone.state.timeMs });
  });

  test('begins with the newest snapshot that is not behind the slot', async () => {
    const states = execute(commands.slice(0, 3));
    const { directory } = await saved();
    states.push(...execute(commands.slice(3, 5)));
    await saved(directory);
    states.push(...execute(commands.slice(5)));
    const at = (through: number) => replayed({ snapshots: directory, through });
    expect(await at(8)).toMatchObject({
      entries: states[7],
      executed: [6, 7, 8],
      from: { slot: 5 },
    });
    expect(await at(5)).toMatchObject({ entries: states[4], executed: [], from: { slot: 5 } });
    expect(await at(4)).toMatchObject({ entries: states[3], executed: [4], from: { slot: 3 } });
    expect(await at(2)).toMatchObject({ entries: states[1], executed: [1, 2], from: undefined });
  });

  test('passes over a snapshot that cannot be verified', async () => {
    execute(commands.slice(0, 3));
    const { directory } = await saved();
    execute(commands.slice(3, 5));
    spoil((await saved(directory)).file);
    const states = execute(commands.slice(5));
    const came = await replayed({ snapshots: directory });
    expect(came).toMatchObject({
      entries: states[2],
      executed: [4, 5, 6, 7, 8],
      from: { slot: 3 },
    });
  });

  test('never begins empty behind a log that was cut', async () => {
    execute(commands.slice(0, 5));
    const { directory, file } = await saved();
    execute(commands.slice(5));
    lone.log.cut(6);
    expect(await replayed({ snapshots: directory })).toMatchObject({
      slot: 8,
      executed: [6, 7, 8],
    });
    await expect(replayed()).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
    spoil(file);
    const all = replayed({ snapshots: directory });
    await expect(all).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
  });

  test('goes no further than what is known to be decided', async () => {
    execute();
    await expect(replayed({ through: 9 })).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
    const { directory } = await saved();
    const known = decidedOf(new LoneLog());
    const came = await replayed({ log: known, snapshots: directory });
    expect(came).toMatchObject({ slot: 8, executed: [], entries: machine.entries });
  });

  test('takes no snapshot of another group', async () => {
    execute();
    const { directory } = await saved(undefined, '0000111122223333');
    const other = replayed({ snapshots: directory });
    await expect(other).rejects.toMatchObject({ code: 'RSL_WRONG_STORE' });
  });

  test('executes no slot that its group skips', async () => {
    execute();
    expect(await replayed({ skip: [8] })).toMatchObject({
      slot: 8,
      executed: [1, 2, 3, 4, 5, 6, 7],
    });
  });

  test('writes what it came to elsewhere, as the replica would have saved it', async () => {
    execute(commands.slice(0, 5));
    const { meta } = await saved();
    execute(commands.slice(5));
    const to = path.join(temporaryDirectory(), 'elsewhere');
    const came = await replayed({ through: 5, to });
    expect(came.saved?.meta).toEqual(meta);
    const { damage, snapshots } = await inspectSnapshots(to, { verify: true });
    expect({ damage, found: snapshots.map((one) => one.meta) }).toEqual({
      damage: [],
      found: [meta],
    });
    const again = await replayed({ snapshots: to });
    expect(again).toMatchObject({ entries: machine.entries, executed: [6, 7, 8] });
  });

  test('overwrites nothing', async () => {
    execute();
    const to = temporaryDirectory();
    fs.writeFileSync(path.join(to, 'mine'), 'mine');
    await expect(replayed({ to })).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
    expect(fs.readdirSync(to)).toEqual(['mine']);
  });
});

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { defaultLimits, silentLogger } from '@rsl/core';
import type { LogRecord, LogStore, Membership, Port, PortContext } from '@rsl/core/protocol';
import { fileLog, sharedFileLog } from '@rsl/log-file';
import { fileSnapshots } from '@rsl/snapshot';
import { afterAll, describe, expect, test } from 'vitest';
import { backupActions } from '../src/backup/backup-actions.ts';
import type { LogInspection } from '../src/inspect/inspect-command.ts';
import { printLog } from '../src/inspect/inspect-log.ts';
import { printSnapshots } from '../src/inspect/inspect-snapshots.ts';
import { Output } from '../src/inspect/output.ts';
import { exitCodeOf, failureLine } from '../src/process/failure.ts';
import { program } from '../src/process/program.ts';
import { snapshotActions } from '../src/snapshots/snapshot-actions.ts';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rsl-inspect-'));
  directories.push(directory);
  return directory;
}

const contextOf = (group: string): PortContext => ({
  group,
  self: 1,
  limits: defaultLimits,
  clock: {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    everyMs: () => () => undefined,
    soon: (run) => void setImmediate(run),
  },
  random: { below: (limit) => Math.floor(Math.random() * limit) },
  logger: silentLogger,
});

const membership: Membership = {
  group: 'feedfacefeedface',
  number: 1,
  firstSlot: 1,
  members: [{ id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a:1' } }],
  previous: [],
};

function vote(slot: number, bytes: Uint8Array): LogRecord {
  const ballot = { configuration: 1, round: 2, proposer: 3 };
  return { kind: 'vote', slot, vote: { ballot, value: { bytes, checksum: crc32(bytes) } } };
}

async function store(port: Port<LogStore>, group: string, records: readonly LogRecord[]) {
  const log = await port.open(contextOf(group));
  await log.recover(() => undefined);
  await new Promise<void>((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });
  await log.close();
}

const small = { sync: 'inline', segmentBytes: 64 * 1024, writeBytesMax: 64 * 1024 } as const;
const texts = ['one', 'two\n', 'three'];
const values = texts.map((text) => Buffer.from(text));

async function someLog(): Promise<string> {
  const directory = temporaryDirectory();
  await store(fileLog(directory, small), 'g', [
    { kind: 'start', count: 1, nonce: 9 },
    { kind: 'configuration', membership },
    ...values.map((bytes, i) => vote(i + 1, bytes)),
    { kind: 'decided-through', slot: 2 },
  ]);
  return directory;
}

/** Takes a little at a time, and never while it is asked. */
class SlowText extends Writable {
  text = '';

  constructor() {
    super({ highWaterMark: 16 });
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    setImmediate(done);
  }
}

const crcOf = (i: number): string =>
  crc32(texts[i] as string)
    .toString(16)
    .padStart(8, '0');

const everything = { json: false, from: 0, to: Number.MAX_SAFE_INTEGER, values: false };

/** What was written, when all of it has been taken. */
async function written(print: (output: Output) => Promise<unknown>): Promise<string> {
  const slow = new SlowText();
  const output = new Output(slow);
  await print(output);
  await output.flush();
  slow.end();
  await finished(slow);
  return slow.text.trimEnd();
}

async function linesOfLog(directory: string, given: Partial<LogInspection> = {}) {
  const text = await written((output) => printLog({ ...everything, directory, ...given }, output));
  return text.split('\n');
}

describe('a log for people', () => {
  test('is its records, a line for each, then what they amount to', async () => {
    const directory = await someLog();
    const lines = (await linesOfLog(directory)).map((line) => line.replace(/:\d+ {2}/, ':N  '));
    expect(lines.slice(0, 6)).toEqual([
      '0000000001.log:N  "g"  start 1, nonce 9',
      '0000000001.log:N  "g"  configuration 1 from slot 1: ' +
        'replica 1 (voter), store 0123456789abcdef tcp "a:1"',
      `0000000001.log:N  "g"  vote, slot 1, ballot 1.2.3, 3 bytes, CRC ${crcOf(0)}`,
      `0000000001.log:N  "g"  vote, slot 2, ballot 1.2.3, 4 bytes, CRC ${crcOf(1)}`,
      `0000000001.log:N  "g"  vote, slot 3, ballot 1.2.3, 5 bytes, CRC ${crcOf(2)}`,
      '0000000001.log:N  "g"  decided through slot 2',
    ]);
    expect(lines.slice(6)).toEqual([
      '',
      expect.stringMatching(/: group "g", replica 1, store [0-9a-f]{16}, format 1$/),
      '',
      expect.stringMatching(/^0000000001\.log {2}\d+ of 65536 bytes used, groups of records: \d$/),
      expect.stringMatching(/^files that are ready: 1, 65536 bytes$/),
      expect.stringMatching(/^ends at byte \d+ of 0000000001\.log$/),
      '',
      expect.stringMatching(/^group "g", replica 1, store [0-9a-f]{16}$/),
      '  slots 1 … 3, decided through 2',
      '  in the files: votes 3, decided values 0',
      '  promise 1.2.3',
      '  configuration 1 from slot 1: replica 1 (voter), store 0123456789abcdef tcp "a:1"',
      '  start 1, nonce 9',
      expect.stringMatching(/^ {2}position \d+$/),
      '',
      'damage: none',
    ]);
  });

  test('shows values where they are asked for, any byte of them', async () => {
    const lines = await linesOfLog(await someLog(), { values: true, from: 2, to: 2 });
    const shown = lines.filter((line) => /vote[, ]/.test(line));
    expect(shown).toHaveLength(1);
    expect(shown[0]).toMatch(/vote, slot 2, .*: two\\x0a$/);
  });

  test('shows a value of megabytes, whole', async () => {
    const directory = temporaryDirectory();
    const bytes = new Uint8Array(3_000_000).map((_, i) => 97 + (i % 26));
    const options = { ...small, segmentBytes: 4 * 1024 * 1024 };
    await store(fileLog(directory, options), 'g', [vote(1, bytes)]);
    const [line = ''] = await linesOfLog(directory, { values: true });
    expect(line.endsWith(Buffer.from(bytes).toString())).toBe(true);
    const [json = ''] = await linesOfLog(directory, { values: true, json: true });
    const { value } = JSON.parse(json) as { value: string };
    expect(Buffer.from(value, 'base64').equals(bytes)).toBe(true);
  });
});

describe('a log for programs', () => {
  test('is an object on each line, and all but the records on the last', async () => {
    const directory = await someLog();
    const lines = await linesOfLog(directory, { json: true, values: true, from: 1, to: 2 });
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ kind }) => kind)).toEqual([
      'start',
      'configuration',
      'vote',
      'vote',
      'decided-through',
      'log',
    ]);
    expect(objects[2]).toMatchObject({
      file: '0000000001.log',
      group: 'g',
      slot: 1,
      ballot: { configuration: 1, round: 2, proposer: 3 },
      bytes: 3,
      checksum: crc32('one'),
      lost: false,
      value: Buffer.from('one').toString('base64'),
    });
    expect(objects.at(-1)).toMatchObject({
      directory,
      identity: { group: 'g', replica: 1 },
      stores: [{ group: 'g', lastSlot: 3, decidedThrough: 2 }],
      damage: [],
      damageCount: 0,
    });
  });

  test('of many groups is that of one group if that is asked for', async () => {
    const directory = temporaryDirectory();
    for (const group of ['a', 'b']) {
      const shared = sharedFileLog(directory, small);
      await store(shared.group(), group, [vote(7, Buffer.from(group))]);
    }
    const given = { json: true, values: true };
    const all = await linesOfLog(directory, given);
    expect(all.filter((line) => line.includes('"vote"'))).toHaveLength(2);
    const lines = await linesOfLog(directory, { ...given, group: 'b' });
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.slice(0, -1).map(({ group }) => group)).toEqual(['b', 'b']);
    expect(objects.at(-1)).toMatchObject({ isShared: true, stores: [{ group: 'b' }] });
    await expect(linesOfLog(directory, { group: 'c' })).rejects.toMatchObject({
      code: 'RSL_INVALID_OPTION',
      message: expect.stringContaining('there are "a", "b"'),
    });
  });
});

async function someSnapshots(): Promise<string> {
  const directory = temporaryDirectory();
  const snapshots = await fileSnapshots(directory).open(contextOf('g'));
  const writer = await snapshots.create({ slot: 42, membership, layout: 3 });
  await writer.write(Buffer.from('some state'));
  await writer.commit();
  await snapshots.close();
  return directory;
}

describe('snapshots', () => {
  test('are told for people', async () => {
    const directory = await someSnapshots();
    const given = { directory, json: false, verify: true };
    const text = await written((output) => printSnapshots(given, output));
    expect(text.split('\n')).toEqual([
      `${directory}: committed snapshots: 1`,
      '0000000000000042.snapshot  group "g", slot 42, 10 bytes, verified',
      expect.stringMatching(/^ {2}SHA-256 [0-9a-f]{64}$/),
      expect.stringMatching(/^ {2}layout 3, chunks of 262144 bytes, \d+ bytes in the file$/),
      '  configuration 1 from slot 1: replica 1 (voter), store 0123456789abcdef tcp "a:1"',
      '',
      'damage: none',
    ]);
  });

  test('are told for programs, in one object', async () => {
    const directory = await someSnapshots();
    const given = { directory, json: true, verify: false };
    const text = await written((output) => printSnapshots(given, output));
    expect(JSON.parse(text)).toMatchObject({
      kind: 'snapshots',
      snapshots: [{ group: 'g', meta: { slot: 42, layout: 3, bytes: 10, membership } }],
      damageCount: 0,
    });
  });
});

describe('rsl-server inspect', () => {
  /** Its exit code, and what it has printed. */
  async function run(...args: readonly string[]) {
    const inspect = new ServerProcess('inspect', ...args);
    const exitCode = await inspect.exitCode;
    return { exitCode, output: inspect.output, words: await inspect.lastWords() };
  }

  test('ends with 0 if all is well, 1 for damage, 2 if there is nothing to look at', async () => {
    const log = await someLog();
    const sound = await run('log', log, '--json');
    expect(sound.exitCode).toBe(0);
    expect(JSON.parse(sound.output.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      kind: 'log',
    });
    const file = path.join(log, '0000000001.log');
    const bytes = fs.readFileSync(file);
    bytes[bytes.indexOf('three')] = 1;
    fs.writeFileSync(file, bytes);
    const damaged = await run('log', log);
    expect(damaged.exitCode).toBe(1);
    expect(damaged.output).toContain('the value of slot 3 fails its checksum');
    expect(await run('snapshots', await someSnapshots(), '--verify')).toMatchObject({
      exitCode: 0,
    });
    for (const args of [['log', path.join(log, 'nowhere')], ['snapshots', log], ['log'], []]) {
      const refused = await run(...args);
      expect(refused.exitCode).toBe(2);
      expect(refused.words).toMatch(/^rsl-server: RSL_INVALID_OPTION: [^\n]+\n$/);
    }
  }, 60_000);

  test('looks into the log of a server that is up, and says so', async () => {
    const data = temporaryDirectory();
    const members = `1=127.0.0.1:${await freePort()}`;
    const where = ['--client', '127.0.0.1:0', '--data', data, '--bootstrap'];
    const server = new ServerProcess('start', '--id', '1', '--members', members, ...where);
    await server.event('leading');
    const { exitCode, output } = await run('log', path.join(data, 'log'));
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^used by process \d+: this is a view of a moment/m);
    expect(output).toContain('configuration 1 from slot 1: replica 1 (voter)');
    server.signal('SIGTERM');
    expect(await server.exitCode).toBe(0);
  }, 60_000);

  test.each([
    [['log', 'x', '--from', '-1'], 'It must be a whole number: a slot.'],
    [['log', 'x', '--from', '3', '--to', '2'], '--from is above --to.'],
    [['log', 'x', 'y'], 'too many arguments'],
    [['snapshots'], "missing required argument 'directory'"],
    [['nothing'], "unknown command 'nothing'"],
  ])('%j is refused with code 2', async (args, why) => {
    const never = async () => expect.unreachable();
    const looking = { inspectLog: never, inspectSnapshots: never };
    const actions = {
      start: never,
      status: never,
      ...looking,
      ...snapshotActions,
      ...backupActions,
    };
    const parsing = program(actions).parseAsync(['inspect', ...args], { from: 'user' });
    const error: unknown = await parsing.catch((cause: unknown) => cause);
    expect(exitCodeOf(error)).toBe(2);
    expect(failureLine(error)).toContain(why);
  });
});

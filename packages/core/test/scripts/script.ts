import assert from 'node:assert/strict';
import { defaultLimits, defaultTimings, type Limits, type Timings } from '@rsl/core';
import { type RslErrorCode, StorageError } from '../../src/errors.ts';
import type { FaultKind } from '../../src/testing/mix.ts';
import { Simulation } from '../../src/testing/simulator.ts';
import { parsedWhich } from './frame-rules.ts';
import { Stage } from './stage.ts';

/** One line of a script: what is done, or what must be true by then. */
type Action = (stage: Stage, words: readonly string[]) => void | Promise<void>;

const numberIn = (word: string | undefined): number => {
  const number = Number(word);
  if (!Number.isInteger(number)) throw new Error(`a number, not ${word}`);
  return number;
};

const others = (stage: Stage, id: number): number[] =>
  stage.processes.map((process) => process.id).filter((other) => other !== id);

/** The replica leads, and nobody else may: what others ask before they stand gets lost. */
const lead: Action = async (stage, [word]) => {
  const id = numberIn(word);
  for (const { id: each } of stage.processes) {
    const which = parsedWhich('may-i', `${each}>*`);
    stage.rules.forget(which);
    if (each !== id) stage.rules.add('lose', which);
  }
  await stage.until(`${id} leads`, () => stage.process(id).leads);
  await stage.wait(20);
};

/** `cut 1>2` one way; `cut 1` from all others, both ways. */
const cut: Action = (stage, [word = '']) => {
  const [from, to] = word.split('>').map(numberIn);
  if (from === undefined) throw new Error('cut whom?');
  if (to !== undefined) return stage.cut(from, to);
  for (const other of others(stage, from)) {
    stage.cut(from, other);
    stage.cut(other, from);
  }
};

const fail: Action = (stage, [word, survivors = '0']) => {
  const process = stage.process(numberIn(word));
  process.excuses.add('RSL_STORAGE_FAILED');
  process.disk.survivorsOfFailure = numberIn(survivors);
  process.disk.failure = new StorageError('RSL_STORAGE_FAILED', 'the script says so');
};

/** The newest vote of a slot that the disk does not know to be decided loses its value. */
const damage: Action = (stage, [word, slot]) => {
  const { disk, isUp } = stage.process(numberIn(word));
  assert.equal(isUp, false, 'a disk is damaged while nobody has it open');
  const last = slot === undefined ? disk.lastSlot : numberIn(slot);
  assert.ok(disk.damage(last), `there is no vote in slot ${last}`);
};

const start: Action = async (stage, [word]) => {
  const process = stage.process(numberIn(word));
  process.disk.failure = undefined;
  process.start();
  await stage.until('it runs', () => process.replica);
};

const answered: Action = (stage, [text = '', answer = 'done']) =>
  stage.until(`${text} is ${answer}`, () => stage.answers.get(text) === answer);

const voted: Action = (stage, [word, text = '']) =>
  stage.until(`${word} has voted for ${text}`, () => {
    const { disk } = stage.process(numberIn(word));
    const bytes = Buffer.from(stage.bytesOf(text));
    return [...disk.values.values()].some(({ value }) => Buffer.from(value.bytes).includes(bytes));
  });

const executed: Action = (stage, [word, ...texts]) => {
  const id = numberIn(word);
  return stage.until(
    `${id} has executed ${texts.join(' ')}, not ${stage.texts(id).join(' ')}`,
    () => {
      return stage.texts(id).join(' ') === texts.join(' ');
    },
  );
};

/** A linearizable read here sees these, in this order. */
const read: Action = async (stage, [word, ...texts]) => {
  const id = numberIn(word);
  let seen: string | undefined;
  const reading = stage.replica(id).barrier('linearizable', { timeoutMs: 15_000 });
  void reading.then(() => (seen = stage.texts(id).join(' ')));
  await stage.until('the read is served', () => seen !== undefined);
  assert.equal(seen, texts.join(' '));
};

/** A linearizable read is refused, or not answered, as long as it takes. */
const unread: Action = async (stage, [word]) => {
  const reading = stage.replica(numberIn(word)).barrier('linearizable', { timeoutMs: 3_000 });
  let ended = '';
  reading.then(
    () => (ended = 'served'),
    () => (ended = 'refused'),
  );
  await stage.until('the read ends', () => ended !== '');
  assert.equal(ended, 'refused');
};

const noLeader: Action = async (stage, [word]) => {
  for (let ms = 0; ms < numberIn(word); ms += 50) {
    await stage.wait(50);
    const leader = stage.processes.find((process) => process.leads);
    assert.equal(leader?.id, undefined, 'nobody may lead now');
  }
};

const state: Action = (stage, [word, expected]) => {
  const { replica } = stage.process(numberIn(word));
  assert.equal(replica === undefined ? 'down' : replica.status().state, expected);
};

const isAsleep = (stage: Stage, word: string): boolean =>
  stage.process(numberIn(word)).replica?.status().asleep === true;

/** All of these, at the same time. */
const asleep: Action = (stage, words) =>
  stage.until(`${words.join(' ')} sleep`, () => words.every((word) => isAsleep(stage, word)));

/** None of these, now. */
const awake: Action = (stage, words) =>
  assert.deepEqual(
    words.filter((word) => isAsleep(stage, word)),
    [],
    'they should be awake',
  );

/** For so long nothing happens at all: no frame, no tick, no timer. */
const silence: Action = async (stage, [word]) => {
  // Ticks that were called off by whoever fell asleep are still in the queue, and do nothing.
  await stage.wait(100);
  const { steps } = stage.world;
  await stage.wait(numberIn(word));
  assert.equal(stage.world.steps, steps, 'something happens');
};

const unknownAction: Action = () => {
  throw new Error('there is no such action');
};

const ballots = new WeakMap<Stage, string>();
const ballotNow = (stage: Stage): string => {
  const leader = stage.processes.find((process) => process.leads)?.replica;
  return JSON.stringify(leader?.status().ballot);
};

const sameBallot: Action = (stage) => assert.equal(ballotNow(stage), ballots.get(stage));

/** A saved seed: what was found by chance stays found. */
const simulate: Action = async (_, words) => {
  const { machine: _machine, ...options } = JSON.parse(words.join(' ')) as {
    readonly seed: number;
    readonly machine?: string;
    readonly faults?: Partial<Record<FaultKind, 0 | 1 | 2 | 3>>;
  };
  await new Simulation(options).run();
};

const actions: Readonly<Record<string, Action>> = {
  lead,
  cut,
  join: (stage) => stage.join(),
  hold: (stage, [kind = '', way = '', times = 'Infinity']) =>
    stage.rules.add('hold', parsedWhich(kind, way), Number(times)),
  lose: (stage, [kind = '', way = '', times = 'Infinity']) =>
    stage.rules.add('lose', parsedWhich(kind, way), Number(times)),
  pass: (stage, [kind = '', way = '']) => stage.rules.forget(parsedWhich(kind, way)),
  deliver: (stage, [kind = '', way = '']) => stage.rules.end(parsedWhich(kind, way), 'deliver'),
  discard: (stage, [kind = '', way = '']) => stage.rules.end(parsedWhich(kind, way), 'discard'),
  propose: (stage, [id, text = '']) => stage.propose(numberIn(id), text),
  wait: (stage, [ms]) => stage.wait(numberIn(ms)),
  crash: (stage, [id, survivors = '0']) => stage.crash(numberIn(id), numberIn(survivors)),
  start,
  pause: (stage, [id, ms]) => stage.process(numberIn(id)).pause(numberIn(ms)),
  clock: (stage, [id, rate]) => {
    stage.process(numberIn(id)).machineClock.rate = Number(rate);
  },
  stall: (stage, [id]) => void stage.stalled.add(numberIn(id)),
  unstall: (stage, [id]) => stage.unstall(numberIn(id)),
  fail,
  damage,
  wipe: (stage, [id]) => stage.wipe(numberIn(id)),
  copy: (stage, [id]) =>
    void stage.copies.set(numberIn(id), stage.process(numberIn(id)).disk.copy()),
  'put-back': (stage, [id]) => stage.putBack(numberIn(id)),
  stops: async (stage, [id, code = '']) => {
    const process = stage.process(numberIn(id));
    process.excuses.add(code as RslErrorCode);
    await stage.until(`it stops with ${code}`, () => !process.isUp);
  },
  answered,
  unanswered: (stage, [text = '']) => assert.equal(stage.answers.get(text), undefined),
  voted,
  executed,
  asleep,
  awake,
  silence,
  read,
  unread,
  'no-leader': noLeader,
  state,
  'note-ballot': (stage) => void ballots.set(stage, ballotNow(stage)),
  'same-ballot': sameBallot,
  simulate,
};

/**
 * Comments are no actions. The first action may be `replicas N`, with limits and timings as
 * `name=number`.
 */
export async function play(script: string): Promise<void> {
  const lines = script
    .split('\n')
    .map((line) => line.split('#')[0]?.trim() ?? '')
    .filter((line) => line !== '');
  const isGroup = lines[0]?.startsWith('replicas ') ?? false;
  const [, members = '3', ...settings] =
    (isGroup ? lines.shift() : 'replicas 3')?.split(/\s+/) ?? [];
  const stage = new Stage(
    numberIn(members),
    amongst<Limits>(defaultLimits, settings),
    amongst<Timings>(defaultTimings, settings),
  );
  if (!lines.every((line) => line.startsWith('simulate '))) await stage.form();
  for (const line of lines) {
    const [name = '', ...words] = line.split(/\s+/);
    const action = actions[name] ?? unknownAction;
    try {
      await action(stage, words);
    } catch (error) {
      throw new Error(`${line}: ${(error as Error).message}`, { cause: error });
    }
  }
  await stage.wait(100);
}

/** Those of the settings that have a default here. */
function amongst<T extends object>(defaults: T, settings: readonly string[]): Partial<T> {
  const all = settings.map((each) => each.split('='));
  for (const [name = ''] of all) {
    assert.ok(name in defaultLimits || name in defaultTimings, `nothing is called ${name}`);
  }
  const own = all.filter(([name = '']) => name in defaults);
  return Object.fromEntries(own.map(([name, number]) => [name, numberIn(number)])) as Partial<T>;
}

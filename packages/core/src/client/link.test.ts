import { expect, test } from 'vitest';
import { readFrame } from '../codec/frame.ts';
import type { ClientConnection, ClientConnectionEvents } from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { clientFrame, type ClientMessage, readClientMessage } from './client-messages.ts';
import { defaultClientTimings } from './client-options.ts';
import { Link } from './link.ts';

const { restMsMax, restMsMin } = defaultClientTimings;

interface Dialed {
  readonly address: string;
  readonly on: ClientConnectionEvents & { open(): void };
  readonly heard: ClientMessage[];
  isClosed: boolean;
}

/** A link whose other side the test plays. */
function stage(addresses: readonly string[] = ['a', 'b', 'c']) {
  const dialed: Dialed[] = [];
  const said: string[] = [];
  let nowMs = 1_000;
  const clock = { nowMs: () => nowMs } as Clock;
  const connect = (address: string, on: Dialed['on']): ClientConnection => {
    const one: Dialed = { address, on, heard: [], isClosed: false };
    dialed.push(one);
    return {
      remote: address,
      queuedBytes: 0,
      send: (parts) => {
        one.heard.push(readClientMessage(readFrame(Buffer.concat(parts))));
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => void (one.isClosed = true),
    };
  };
  const link = new Link({
    group: 'tested',
    addresses,
    connector: { connect },
    timings: defaultClientTimings,
    clock,
    random: new SeededRandom(1),
    on: {
      up: ({ replica }) => void said.push(`up ${replica}`),
      down: (why) => void said.push(`down: ${why}`),
      message: (message) => void said.push(message.kind),
      drain: () => void said.push('drain'),
    },
  });
  const wait = (ms: number): void => {
    nowMs += ms;
    link.onTick();
  };
  const last = (): Dialed => dialed.at(-1) as Dialed;
  const hear = (message: ClientMessage): void =>
    last().on.frame(Buffer.concat(clientFrame(message)));
  const welcome = (leader = ''): void => {
    last().on.open();
    hear({ kind: 'welcome', replica: 7, leader, commandBytesMax: 9 });
  };
  return { dialed, hear, last, link, said, wait, welcome };
}

test('it says which group it wants, and is up once it is welcome', () => {
  const { last, link, said, wait, welcome } = stage();
  wait(0);
  expect(link.isUp).toBe(false);
  expect(link.send({ kind: 'hello', version: 1, group: 'x' })).toBe(false);
  welcome();
  expect(last().heard).toEqual([{ kind: 'hello', version: 1, group: 'tested' }]);
  expect([link.isUp, link.address, said]).toEqual([true, last().address, ['up 7']]);
});

test('it tries one address after the other, with growing waits', () => {
  const { dialed, last, wait } = stage();
  wait(0);
  const first = last().address;
  const waits: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    last().on.closed(new Error('refused'));
    const before = dialed.length;
    let waited = 0;
    for (; dialed.length === before; waited += 1) wait(1);
    waits.push(waited);
  }
  expect(new Set(dialed.slice(0, 3).map(({ address }) => address)).size).toBe(3);
  expect(dialed[3]?.address).toBe(first);
  expect(waits[0]).toBeLessThanOrEqual(50);
  expect(Math.max(...waits)).toBeGreaterThan(900);
  expect(Math.max(...waits)).toBeLessThanOrEqual(2_000);
});

test('a welcome that does not come in time is not waited for', () => {
  const { dialed, last, said, wait } = stage();
  wait(0);
  const silent = last();
  silent.on.open();
  wait(defaultClientTimings.connectTimeoutMs - 1);
  expect(silent.isClosed).toBe(false);
  wait(1);
  expect([silent.isClosed, said]).toEqual([true, []]);
  wait(100);
  expect(dialed).toHaveLength(2);
});

test('it goes to where the leader is said to be, but not to and fro', () => {
  const { dialed, hear, last, link, said, wait, welcome } = stage(['a']);
  wait(0);
  welcome('z');
  expect(last().address).toBe('z');
  expect(dialed[0]?.isClosed).toBe(true);
  welcome('a');
  expect([link.address, dialed.length]).toEqual(['z', 2]);
  wait(restMsMin - 1);
  link.onHint('a');
  expect([link.address, dialed.length]).toEqual(['z', 2]);
  // Nobody has to say it again.
  wait(1);
  expect(last().address).toBe('a');
  welcome();
  link.onHint('');
  link.onHint('a');
  hear({ kind: 'leader', address: 'elsewhere' });
  expect(dialed).toHaveLength(3);
  expect(said.at(-1)).toBe('leader');
});

test('a leader that cannot be reached is given up for the addresses that it was given', () => {
  const { last, wait, welcome } = stage(['a']);
  wait(0);
  welcome('z');
  last().on.closed(new Error('unreachable'));
  wait(100);
  expect(last().address).toBe('a');
});

/** At a replica that goes on to name a leader where nobody answers: when it is tried. */
function attemptsAt(leader: string, forMs: number): number[] {
  const { dialed, last, wait, welcome } = stage(['a']);
  const attempts: number[] = [];
  for (let atMs = 0; atMs < forMs; atMs += 10) {
    const before = dialed.length;
    wait(10);
    if (dialed.length === before) continue;
    if (last().address === leader) attempts.push(atMs);
    else welcome(leader);
    if (last().address === leader && attempts.at(-1) !== atMs) attempts.push(atMs);
  }
  return attempts;
}

test('a leader that only this client cannot reach is tried ever more rarely', () => {
  const attempts = attemptsAt('z', 600_000);
  const waits = attempts.slice(1).map((atMs, i) => atMs - (attempts[i] as number));
  const { connectTimeoutMs } = defaultClientTimings;
  for (const [i, waited] of waits.entries()) {
    const restMs = Math.min(restMsMax, restMsMin * 2 ** i) + connectTimeoutMs;
    expect(waited).toBeGreaterThanOrEqual(restMs);
    expect(waited).toBeLessThan(restMs + 100);
  }
  expect(waits.length).toBeGreaterThan(10);
  expect(waits.at(-1)).toBeGreaterThanOrEqual(restMsMax);
});

test('between two replicas that name each other it moves ever more rarely', () => {
  const { dialed, last, wait, welcome } = stage(['a']);
  const other = { a: 'z', z: 'a' } as const;
  const moves: number[] = [];
  wait(0);
  welcome(other.a);
  for (let atMs = 0; atMs < 600_000; atMs += 10) {
    const before = dialed.length;
    wait(10);
    if (dialed.length === before) continue;
    welcome(other[last().address as 'a' | 'z']);
    moves.push(atMs);
  }
  const late = moves.filter((atMs) => atMs > 300_000);
  expect(late.length).toBeGreaterThan(0);
  expect(late.length).toBeLessThanOrEqual(300_000 / restMsMax);
});

test('a leader that was left after a long stay has to rest no longer than the first time', () => {
  const { last, wait, welcome } = stage(['a']);
  wait(0);
  welcome('z');
  for (const stayMs of [4 * restMsMin + 1, 10 * restMsMin]) {
    welcome();
    wait(stayMs);
    last().on.closed(undefined);
    wait(100);
    expect(last().address).toBe('a');
    welcome('z');
    wait(restMsMin - 200);
    expect(last().address).toBe('a');
    wait(200);
    expect(last().address).toBe('z');
  }
});

test('why there is no connection can be told', () => {
  const { last, link, wait, welcome } = stage(['a']);
  expect(link.whyDown).toBeUndefined();
  wait(0);
  last().on.closed(new Error('nobody is there'));
  expect(link.whyDown?.message).toBe('a: nobody is there');
  wait(100);
  welcome();
  expect(link.whyDown).toBeUndefined();
});

test('what an old connection still says is not heard', () => {
  const { dialed, link, said, wait, welcome } = stage();
  wait(0);
  const [old] = dialed as [Dialed];
  welcome();
  old.on.closed(undefined);
  wait(100);
  welcome();
  const before = [...said];
  old.on.closed(new Error('again'));
  old.on.drain();
  old.on.frame(Buffer.concat(clientFrame({ kind: 'leader', address: 'x' })));
  expect([said, link.isUp]).toEqual([before, true]);
});

test('a refusal ends the connection; anything but a welcome first is an error', () => {
  const { dialed, hear, last, wait } = stage();
  wait(0);
  last().on.open();
  hear({ kind: 'refused', reason: 'another group' });
  expect(dialed[0]?.isClosed).toBe(true);
  wait(100);
  last().on.open();
  expect(() => hear({ kind: 'leader', address: 'x' })).toThrow('before a welcome');
});

test('once closed it dials no more', () => {
  const { dialed, link, said, wait, welcome } = stage();
  wait(0);
  welcome();
  link.close();
  wait(10_000);
  expect([dialed.length, dialed[0]?.isClosed, link.isUp]).toEqual([1, true, false]);
  expect(said).toEqual(['up 7']);
});

// What a state machine that blocks costs: three replicas, each a process, the leader's state
// machine stands still, and the clients of the other two go on or do not. Once with everything on
// one thread, once with engines on threads of their own. The last line is JSON; fails unless the
// latter kept its leader, voted on, and acknowledged at the other replicas all the time.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PeerAddress } from '@rsl/core';
import type { Answer, Loaded, Moment, Observed, Setup, Wanted } from './words.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > 600) {
  console.error(`--seconds: an integer from 1 to 600, not ${values.seconds}`);
  process.exit(2);
}

const loadMs = 5_000;

type Isolation = Setup['isolation'];

/** A replica in a process of its own. */
class Remote {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer['answer']) => void>();
  readonly up: Promise<unknown>;
  #questions = 0;

  constructor(setup: Setup) {
    this.id = setup.id;
    const file = fileURLToPath(new URL('./replica.ts', import.meta.url));
    this.#child = fork(file, [JSON.stringify(setup)], { execArgv: process.execArgv });
    this.up = new Promise((resolve) => this.#waiting.set(0, resolve));
    this.#child.on('message', ({ number, answer }: Answer) => this.#waiting.get(number)?.(answer));
    this.#child.on('exit', (code) => {
      if (code === 0) return;
      console.error(`replica ${this.id} has ended with ${code}`);
      process.exit(1);
    });
  }

  ask<T extends Answer['answer']>(wanted: Wanted): Promise<T> {
    this.#questions += 1;
    const number = this.#questions;
    this.#child.send({ number, wanted });
    return new Promise((resolve) => this.#waiting.set(number, resolve as never));
  }
}

interface Measured {
  /** Of the leader's own callers, before anything blocks: the group's throughput. */
  readonly commandsPerSecond: number;
  readonly leaderChanges: number;
  /** Of the replica that was blocked, meanwhile. */
  readonly writesOfVotes: number;
  readonly framesSent: number;
  /** At the other two replicas, meanwhile. */
  readonly acknowledged: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the end of the block until the replica had executed everything. */
  readonly caughtUpMs: number;
}

async function measure(isolation: Isolation): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), `rsl-block-${isolation}-`));
  const ports = await Promise.all([1, 2, 3].map(freePort));
  const members = ports.map((port, i) => ({
    id: i + 1,
    addresses: { tcp: `127.0.0.1:${port}` },
  })) satisfies PeerAddress[];
  const replicas = members.map(({ id }) => new Remote({ id, isolation, members, folder }));
  try {
    await Promise.all(replicas.map(({ up }) => up));
    await replicas[0]?.ask({ kind: 'bootstrap' });
    const loaded = await leaderOf(replicas);
    const { commandsPerSecond } = await loaded.ask<Loaded>({ kind: 'load', ms: loadMs });
    return { commandsPerSecond, ...(await blocked(replicas)) };
  } finally {
    await Promise.all(replicas.map((replica) => replica.ask({ kind: 'close' })));
    rmSync(folder, { recursive: true });
  }
}

async function blocked(replicas: readonly Remote[]): Promise<Omit<Measured, 'commandsPerSecond'>> {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const leader = await leaderOf(replicas);
  const others = replicas.filter((replica) => replica !== leader);
  const before = await leader.ask<Moment>({ kind: 'moment' });
  const block = leader.ask({ kind: 'block', ms: 1_000 * seconds });
  // It has begun once nobody answers there; the clients begin with it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await Promise.all(others.map((replica) => replica.ask({ kind: 'begin' })));
  await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds - 200));
  const observed = await Promise.all(others.map((r) => r.ask<Observed>({ kind: 'end' })));
  const moments = await Promise.all(others.map((r) => r.ask<Moment>({ kind: 'moment' })));
  const after = await leader.ask<Moment>({ kind: 'moment' });
  await block;
  const endedAtMs = performance.now();
  const through = Math.max(...moments.map(({ executedThrough }) => executedThrough));
  await momentOf(leader, ({ executedThrough }) => executedThrough >= through);
  const sum = (of: (one: Observed) => number): number => observed.reduce((s, o) => s + of(o), 0);
  return {
    leaderChanges: Math.max(...moments.map(({ round }) => round)) - before.round,
    writesOfVotes: after.appends - before.appends,
    framesSent: after.framesSent - before.framesSent,
    acknowledged: sum((one) => one.acknowledged),
    errors: sum((one) => one.errors),
    p50Ms: Math.max(...observed.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...observed.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...observed.map(({ maxMs }) => maxMs)),
    caughtUpMs: Math.round(performance.now() - endedAtMs),
  };
}

/** Of whom all say that it leads. */
async function leaderOf(replicas: readonly Remote[]): Promise<Remote> {
  for (;;) {
    const moments = await Promise.all(replicas.map((r) => r.ask<Moment>({ kind: 'moment' })));
    const leaders = new Set(moments.map(({ leader }) => leader));
    const found = replicas.find(({ id }) => leaders.size === 1 && leaders.has(id));
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function momentOf(replica: Remote, holds: (moment: Moment) => boolean): Promise<void> {
  while (!holds(await replica.ask<Moment>({ kind: 'moment' })))
    await new Promise((resolve) => setTimeout(resolve, 10));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const inline = await measure('inline');
const thread = await measure('thread');
console.table({ inline, thread });
const perSecondMin = 10;
const goesOn = thread.acknowledged >= perSecondMin * seconds && thread.writesOfVotes > 0;
const isGood = thread.leaderChanges === 0 && thread.errors === 0 && goesOn;
const ratio = Number((thread.commandsPerSecond / inline.commandsPerSecond).toFixed(2));
console.log(JSON.stringify({ blockedSeconds: seconds, inline, thread, throughput: ratio, isGood }));
process.exit(isGood ? 0 : 1);

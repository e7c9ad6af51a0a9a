// One replica in a process of its own, with a state machine that blocks when it is told to.
import { join } from 'node:path';
import { type Replica, startReplica, typed } from '@rsl/core';
import { fileLog } from '@rsl/log-file';
import { tcp } from '@rsl/transport-tcp';
import type { Answer, Loaded, Moment, Observed, Question, Setup, Wanted } from './words.ts';

/** Commands that wait at a time, of this replica's one client. */
const outstanding = 8;
const timeoutMs = 60_000;

const commandsPerCall = 1_000;
const callsAtATime = 20;

type Command = { readonly kind: 'add' } | { readonly kind: 'block'; id: number; ms: number };

const { id, isolation, members, folder } = JSON.parse(process.argv[2] ?? '') as Setup;

const nothing = new Int32Array(new SharedArrayBuffer(4));
let total = 0;
const stateMachine = typed({
  execute: (command: Command) => {
    if (command.kind === 'add') return (total += 1);
    // This thread stands still, as in a long call of the operating system, and takes no time of
    // the others' on a machine with few processors.
    if (command.id === id) Atomics.wait(nothing, 0, 0, command.ms);
    return total;
  },
  snapshot: () => total,
  restore: (state: number) => {
    total = state;
  },
});

const encoded = stateMachine.codec.encodeCommand({ kind: 'add' });
const replica: Replica<Command, number> = await startReplica({
  group: 'blocked',
  self: id,
  isolation,
  stateMachine,
  log: fileLog(join(folder, String(id))),
  transport: tcp(String(members.find((m) => m.id === id)?.addresses['tcp'])),
  peers: members.filter((m) => m.id !== id),
});

/** Keeps so many commands waiting, and counts how long each was. */
class Client {
  readonly #tookMs: number[] = [];
  #errors = 0;
  #isRunning = true;

  constructor() {
    for (let i = 0; i < outstanding; i += 1) void this.#run();
  }

  stop(): Observed {
    this.#isRunning = false;
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const at = (part: number): number =>
      Number((sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1));
    const acknowledged = sorted.length;
    return { acknowledged, errors: this.#errors, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const sentAtMs = performance.now();
      try {
        await replica.propose({ kind: 'add' }, { timeoutMs });
        if (this.#isRunning) this.#tookMs.push(performance.now() - sentAtMs);
      } catch {
        this.#errors += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}

/** Small commands, many to a call, as many as get through. */
async function load(ms: number): Promise<Loaded> {
  const commands = Array.from({ length: commandsPerCall }, () => encoded);
  let done = 0;
  let isRunning = true;
  const run = (): void => {
    let left = commands.length;
    const answered = (): void => {
      done += 1;
      left -= 1;
      if (left === 0 && isRunning) run();
    };
    replica.proposeMany(commands, { result: answered, error: answered }, { timeoutMs });
  };
  for (let i = 0; i < callsAtATime; i += 1) run();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const [before, beganMs] = [done, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  const commandsPerSecond = Math.round((1_000 * (done - before)) / (performance.now() - beganMs));
  isRunning = false;
  return { commandsPerSecond };
}

function moment(): Moment {
  const { ballot, counters, executedThrough, leader } = replica.status();
  const { appends = 0, framesSent = 0 } = counters;
  return { leader, round: ballot.round, appends, framesSent, executedThrough };
}

let client: Client | undefined;

async function answerTo(wanted: Wanted): Promise<Answer['answer']> {
  switch (wanted.kind) {
    case 'bootstrap':
      await replica.bootstrap(members);
      return undefined;
    case 'moment':
      return moment();
    case 'begin':
      client = new Client();
      return undefined;
    case 'end':
      return client?.stop();
    case 'block':
      await replica.propose(
        { kind: 'block', id, ms: wanted.ms },
        { timeoutMs: wanted.ms + 60_000 },
      );
      return undefined;
    case 'load':
      return load(wanted.ms);
    case 'close':
      await replica.close();
      return undefined;
  }
}

process.on('message', ({ number, wanted }: Question) => {
  void answerTo(wanted).then((answer) => {
    process.send?.({ number, answer } satisfies Answer);
    if (wanted.kind === 'close') process.disconnect();
  });
});
process.send?.({ number: 0, answer: undefined } satisfies Answer);

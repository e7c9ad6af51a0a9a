import { expect, test } from 'vitest';
import type { ManyResults } from '../../src/api.ts';
import { StorageError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ExecutedSlots } from '../../src/host/executed-slots.ts';
import { executedStream } from '../../src/host/executed-stream.ts';
import { Execution } from '../../src/host/execution.ts';
import { GroupCommit } from '../../src/host/group-commit.ts';
import { Leading } from '../../src/host/leading.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { ExecutedState } from '../../src/host/replicated-state.ts';
import { Room } from '../../src/host/room.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { Sleep } from '../../src/host/sleep.ts';
import type { Protocol } from '../../src/paxos/protocol.ts';
import { noOp } from '../../src/paxos/value.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot, group } from '../paxos/fixture.ts';
import { breaking } from './breaking.ts';

type Done = Parameters<LogStore['append']>[1];

/** Appends of a group commit, on a log that completes them when the test says. */
function commits(count: number): readonly Done[] {
  const done: Done[] = [];
  const log = { append: (_, each) => done.push(each) } as Partial<LogStore> as LogStore;
  const commit = new GroupCommit(
    log,
    () => undefined,
    () => undefined,
  );
  for (let i = 0; i < count; i += 1) {
    commit.add([], []);
    commit.flush();
  }
  return done;
}

breaking('commit-1 appends complete in their order (P2)', () => {
  const [, second] = commits(2);
  second?.();
});

breaking('commit-2 after a failure every later one fails (P2, S4)', () => {
  const [first, second] = commits(2);
  first?.(new StorageError('RSL_STORAGE_FAILED', 'the disk is gone'));
  second?.();
});

const proposals = (): Proposals => new Proposals({ self: 1, epoch: 7, limits: defaultLimits });
const nobody: ManyResults = { result: () => undefined, error: () => undefined };

breaking('proposals-1 a segment is consecutive sequences, at least one', () => {
  const waiting = proposals();
  waiting.add([new Uint8Array(8)], nobody, 100);
  waiting.takeSegment(ballot(1, 1), 0, 1_000);
});

breaking('proposals-2 only what was sent is executed', () => {
  const waiting = proposals();
  const sequence = waiting.add([new Uint8Array(8)], nobody, 100);
  waiting.resolve(sequence, new Uint8Array(0));
});

breaking('executed-1 every slot, in order, once (P7)', () => {
  const machine = new DigestMachine(() => undefined);
  new Execution(machine, 1, proposals()).execute(2, noOp, true);
});

breaking('executed-6 nothing is executed without a state (S6)', () => {
  const execution = new Execution(new DigestMachine(), 1, proposals());
  execution.await(5);
  execution.execute(1, noOp, true);
});

const installed = (timeMs: number, round: number) => ({
  timeMs,
  sealedIn: ballot(round, 1),
  sessions: new Sessions(),
});

breaking('executed-4 a state is installed forward only (P7)', () => {
  const execution = new Execution(new DigestMachine(), 1, proposals());
  execution.install(5, installed(10, 1));
  execution.install(5, installed(10, 1));
});

breaking(
  'executed-5 group time and ballots never go back, by an installed state either (P10)',
  () => {
    const execution = new Execution(new DigestMachine(), 1, proposals());
    execution.install(5, installed(10, 1));
    execution.install(6, installed(9, 1));
  },
);

breaking('image-1 what is saved is the state after one slot (P9)', () => {
  const execution = new Execution(new DigestMachine(), 1, proposals());
  execution.begin(0, 7);
  new ExecutedState(execution, new DigestMachine()).save();
});

test.runIf(CONTRACTS)('image-2 one image is loaded at a time', async () => {
  const execution = new Execution(new DigestMachine(), 1, proposals());
  const state = new ExecutedState(execution, new DigestMachine());
  const never: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
  };
  void state.load(1, never);
  await expect(state.load(1, never)).rejects.toThrow('image-2 one image is loaded at a time');
});

const keptSlot = (slot: number) => ({ slot, timeMs: 0, value: undefined, places: undefined });

breaking('kept-1 every executed slot, in order (P7)', () => {
  new ExecutedSlots(defaultLimits).add(keptSlot(2));
});

test.runIf(CONTRACTS)('stream-1 each slot once, in order', async () => {
  const others = { at: () => keptSlot(7) } as Partial<ExecutedSlots> as ExecutedSlots;
  const options = { clock: systemClock, decode: String, from: 1, signal: undefined };
  const stream = executedStream(others, options);
  await expect(stream.next()).rejects.toMatchObject({
    contract: expect.stringMatching('stream-1'),
  });
});

breaking('leading-1 one leadership ends before the next', () => {
  const leading = new Leading(() => undefined);
  leading.begin(ballot(1, 1));
  leading.begin(ballot(2, 1));
});

breaking('leading-2 every leadership has a higher ballot, and so a higher fence (P2)', () => {
  const leading = new Leading(() => undefined);
  leading.begin(ballot(2, 1));
  leading.end();
  leading.begin(ballot(2, 1));
});

breaking('leading-3 who recovers leads, in that very ballot (Q1)', () => {
  const leading = new Leading(() => undefined);
  leading.begin(ballot(2, 1));
  leading.recover(ballot(1, 1));
});

breaking('room-1 commands end before values do (S5)', () => {
  // A reserve below nothing turns the two marks around.
  new Room(-100).look(-60);
});

breaking(
  'sleep-1 nobody sleeps who has something to do, or would not hear its leader die (L1, L6)',
  () => {
    // What looks quiet once is not the next time.
    let looks = 0;
    const leader = { id: 1, ballot: ballot(1, 1) };
    const view = { role: 'phase2', ballot: leader.ballot, leader, membership: group(1) };
    const sleep = new Sleep(
      {
        self: 1,
        nowMs: () => 1_000 * looks,
        protocol: () => ({ view, isIdle: true }) as unknown as Protocol,
        connected: () => [],
        send: () => undefined,
        isQuiet: () => (looks += 1) < 4,
        wrapUp: () => undefined,
        fellAsleep: () => undefined,
        woke: () => undefined,
      },
      { electionTimeoutMsMin: 300, sleepAfterMs: 500 },
    );
    looks = 1;
    sleep.settle();
  },
);

import { expect, test } from 'vitest';
import { sealBatch } from '../codec/batch.ts';
import { LocalApplication } from '../host/local-application.ts';
import { measuresOf } from '../host/measures.ts';
import { defaultLimits, defaultSlow, defaultTimings, type Limits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Clock } from '../ports/clock.ts';
import { silentLogger } from '../ports/logger.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { BoardReader, boardMemory, BoardWriter } from './board.ts';
import { CommandFeed } from './command-feed.ts';
import { readNumber, readProgress, readSegment } from './records.ts';
import { RingReader, ringMemory, RingWriter } from './ring.ts';
import { Staged, StagingCredit } from './staged.ts';
import { forgetRecord, progressRecord, readRecord, segmentRecord } from './words.ts';

const clock: Clock = { nowMs: () => 0, wallMs: () => 0, everyMs: () => () => {}, soon() {} };
const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });
const nobody = { result() {}, error() {} };

function stage(given: Partial<Limits> = {}) {
  const limits = { ...defaultLimits, batchCommandsMax: 2, ...given };
  const memory = ringMemory(4_096);
  const board = boardMemory(3);
  const word = new SharedArrayBuffer(4);
  const timings = defaultTimings;
  const application = new LocalApplication({
    self: 1,
    epoch: 7,
    limits,
    skip: new Set(),
    clock,
    stateMachine: new DigestMachine(),
    metrics: measuresOf({ slow: defaultSlow, limits, timings }, clock, silentLogger).metrics,
    emit: () => undefined,
    engine: () => undefined,
  });
  const ring = new RingWriter(memory, () => undefined);
  const credit = new StagingCredit(word, limits.stagedBytesMax);
  const parts = { application, ring, board: new BoardReader(board), credit, limits };
  const feed = new CommandFeed(parts, 0);
  const staged = new Staged(7, word);
  const reader = new RingReader(memory);
  const outlook = new BoardWriter(board);
  return {
    application,
    feed,
    staged,
    lead: (round: number) => outlook.showOutlook({ ballot: ballot(round), refusesCommands: false }),
    propose: (bytes: number) => application.propose([new Uint8Array(bytes)], nobody, 1e9),
    /** What comes out at the other end. */
    take: (): string[] => {
      const seen: string[] = [];
      while (
        reader.read((kind, bytes) => {
          if (kind === segmentRecord) {
            const { ballot: of, segment } = readSegment(bytes);
            staged.add(of, segment);
            seen.push(`commands in ${of.round}`);
          } else if (kind === progressRecord)
            seen.push(`executed ${readProgress(bytes).executedThrough}`);
          else if (kind === readRecord) seen.push(`read ${readNumber(bytes)}`);
          else if (kind === forgetRecord) seen.push(`forget ${readNumber(bytes)}`);
        })
      );
      return seen;
    },
  };
}

const batch = (round: number) => sealBatch(0, ballot(round), []);

test('commands are taken for the leader that the engine shows, and for none wait here', () => {
  const { application, feed, lead, propose, take } = stage();
  propose(1);
  feed.goOn();
  expect(take()).toEqual([]);
  expect(application.commands.queuedCount).toBe(1);
  lead(1);
  feed.goOn();
  lead(2);
  propose(1);
  feed.goOn();
  expect(take()).toEqual(['commands in 1', 'commands in 2']);
});

test('what a leader did not get executed is given to the next, not before that is known', () => {
  const { application, feed, lead, propose, take } = stage();
  lead(1);
  propose(1);
  feed.goOn();
  lead(2);
  feed.goOn();
  expect(take()).toEqual(['commands in 1']);
  // A batch of a higher ballot, without the command: now it never will be executed.
  application.execute(1, batch(2));
  feed.goOn();
  expect(take()).toEqual(['executed 1', 'commands in 2']);
});

test('the engine is told how far its application has come, once for all since the last', () => {
  const { application, feed, take } = stage();
  application.execute(1, batch(1));
  application.execute(2, batch(1));
  feed.goOn();
  feed.goOn();
  expect(take()).toEqual(['executed 2']);
});

test('no more is given than the engine may hold; the rest waits, and may be refused', () => {
  const { application, feed, lead, propose, staged, take } = stage({ stagedBytesMax: 1_000 });
  lead(1);
  for (let i = 0; i < 10; i += 1) propose(400);
  feed.goOn();
  expect(take()).toHaveLength(3);
  expect(application.commands.queuedCount).toBe(7);
  feed.goOn();
  expect(take()).toEqual([]);
  staged.takeSegments(ballot(1), 1, 1);
  feed.goOn();
  expect(take()).toHaveLength(1);
});

test('what was taken and finds no room is not lost', () => {
  const { feed, lead, propose, take } = stage();
  lead(1);
  for (let i = 0; i < 10; i += 1) propose(1_000);
  let seen: string[] = [];
  for (let turns = 0; turns < 10; turns += 1) {
    feed.goOn();
    seen = [...seen, ...take()];
  }
  expect(seen).toHaveLength(10);
});

test('a large command gets through although nothing comes after it', () => {
  const { feed, lead, propose, take } = stage();
  lead(1);
  propose(10_000);
  let seen: string[] = [];
  for (let turns = 0; turns < 10; turns += 1) {
    feed.goOn();
    seen = [...seen, ...take()];
  }
  expect(seen).toEqual(['commands in 1']);
});

test('reads that came together are one, and what nobody waits for is forgotten', async () => {
  const { application, feed, take } = stage();
  const reads = [application.barrier(1e9, {}), application.barrier(1e9, {})];
  feed.goOn();
  feed.forget([1]);
  feed.goOn();
  expect(take()).toEqual(['read 1', 'forget 1']);
  application.readReady(1);
  expect(await Promise.all(reads)).toEqual([0, 0]);
});

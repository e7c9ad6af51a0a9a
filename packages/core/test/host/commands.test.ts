import { expect, test } from 'vitest';
import { BatchReader, sealBatch } from '../../src/codec/batch.ts';
import { encodeSegment } from '../../src/codec/segment.ts';
import type { HostMessage } from '../../src/codec/host-codec.ts';
import { Commands } from '../../src/host/commands.ts';
import { Execution } from '../../src/host/execution.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Protocol, ReplicaView } from '../../src/paxos/protocol.ts';
import type { Value } from '../../src/paxos/value.ts';
import type { StateMachine } from '../../src/ports/state-machine.ts';
import { encodeControl } from '../../src/sessions/control.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot } from '../paxos/fixture.ts';

const sink = { result() {}, error() {} };

function stage(stateMachine: StateMachine = new DigestMachine()) {
  const limits = defaultLimits;
  const proposals = new Proposals({ self: 1, epoch: 1, limits });
  const execution = new Execution(stateMachine, 1, proposals);
  const sent: { to: number; message: HostMessage }[] = [];
  const clock = { nowMs: () => 0, wallMs: () => wallMs, everyMs: () => () => {}, soon: () => {} };
  const send = (to: number, message: HostMessage): void => void sent.push({ to, message });
  const commands = new Commands({ limits, clock, execution, proposals, send });
  const proposed: Value[] = [];
  let room = 0;
  let wallMs = 0;
  let last: Partial<ReplicaView> = {};
  const protocol = {
    get view() {
      return { proposedThrough: 0, executedThrough: 0, ...last, room };
    },
  };
  const pump = (view: Partial<ReplicaView>): void => {
    last = view;
    commands.pump(protocol as Protocol, (value) => {
      room -= 1;
      proposed.push(value);
    });
  };
  return {
    commands,
    execution,
    setWall: (ms: number) => void (wallMs = ms),
    proposals,
    proposed,
    sent,
    /** The host looks at its timers; so many slots could be proposed. */
    tick: (nowMs: number, slots: number, canTake = true) => {
      room = slots;
      commands.onTick(protocol as Protocol, canTake, nowMs);
    },
    follow: (of: Ballot) => pump({ role: 'follower', leader: { id: of.proposer, ballot: of } }),
    lead: (of: Ballot, slots: number) => {
      room = slots;
      pump({ role: 'phase2', ballot: of, leader: { id: 1, ballot: of } });
    },
  };
}

const kinds = (sent: readonly { to: number; message: HostMessage }[]): string[] =>
  sent.map(({ to, message }) => `${message.kind} ${to}`);

test('what an earlier leader was given goes to no other while it may still execute', () => {
  // The new leader may find a vote for it and finish it: given again, it would execute twice.
  const { execution, follow, proposals, sent } = stage();
  proposals.add([Uint8Array.of(1)], sink, Infinity);
  follow(ballot(1, 2));
  expect(kinds(sent)).toEqual(['forward 2']);
  follow(ballot(2, 3));
  expect(kinds(sent)).toEqual(['forward 2']);

  // A batch of the later ballot makes void whatever comes behind it from an earlier one.
  execution.execute(1, sealBatch(0, ballot(2, 3), []), true);
  follow(ballot(2, 3));
  expect(kinds(sent)).toEqual(['forward 2', 'forward 3']);
});

test('whoever leads anew proposes a batch at once, also an empty one, and only one', () => {
  // Commands that wait elsewhere can be sent again only behind a batch of this ballot.
  const { lead, proposed } = stage();
  lead(ballot(3, 1), 4);
  lead(ballot(3, 1), 4);
  const reader = new BatchReader();
  const ballots = proposed.map((value) => {
    reader.open(value);
    return [reader.ballot, reader.count];
  });
  expect(ballots).toEqual([[ballot(3, 1), 0]]);
});

// ---- led time

const readerOf = (value: Value | undefined): BatchReader => {
  const reader = new BatchReader();
  if (value === undefined) throw new Error('nothing was proposed');
  reader.open(value);
  return reader;
};

/** Leads in ballot 1, in which a session of a second was opened. */
function ledStage() {
  const all = stage();
  all.tick(1_000, 0);
  all.lead(ballot(1, 1), 1);
  const words = [encodeControl({ kind: 'open', ttlMs: 1_000 })];
  const header = { origin: 9, epoch: 1, firstSequence: 1, isControl: true };
  const opening = sealBatch(0, ballot(1, 1), [encodeSegment(header, words)]);
  all.execution.execute(1, opening, true);
  expect(all.execution.sessions.count).toBe(1);
  const ledMsOfNext = (): number => {
    all.proposals.add([Uint8Array.of(1)], sink, Infinity);
    all.lead(ballot(1, 1), 1);
    return readerOf(all.proposed.at(-1)).ledMs;
  };
  return { ...all, ledMsOfNext };
}

test('a batch says for how long its leader could propose since the one before', () => {
  const { ledMsOfNext, tick } = ledStage();
  tick(1_010, 1);
  tick(1_020.5, 1);
  expect(ledMsOfNext()).toBe(20);
  tick(1_030.5, 1);
  // The half millisecond that was left over is not lost.
  expect(ledMsOfNext()).toBe(10);
  tick(1_031, 1);
  expect(ledMsOfNext()).toBe(1);
});

test('time in which nothing can be proposed, and stalls, are not led', () => {
  const { ledMsOfNext, tick } = ledStage();
  tick(1_100, 0);
  tick(1_200, 1, false);
  expect(ledMsOfNext()).toBe(0);
  tick(1_210, 1);
  tick(99_000, 1);
  expect(ledMsOfNext()).toBe(510);
});

test('the first batch of a ballot brings no led time, whatever was before', () => {
  const { follow, lead, proposed, tick } = ledStage();
  tick(1_300, 1);
  lead(ballot(2, 1), 1);
  expect(readerOf(proposed.at(-1)).ledMs).toBe(0);
  tick(1_500, 1);
  follow(ballot(3, 2));
  lead(ballot(4, 1), 1);
  expect(readerOf(proposed.at(-1)).ledMs).toBe(0);
});

test('the time at which a session ends is brought by a batch without commands', () => {
  const { execution, lead, proposed, tick } = ledStage();
  const before = proposed.length;
  const { endsInMs = 0 } = execution.sessions;
  for (let nowMs = 1_010; nowMs < 1_000 + endsInMs; nowMs += 10) tick(nowMs, 1);
  lead(ballot(1, 1), 1);
  expect(proposed).toHaveLength(before);
  tick(1_000 + endsInMs, 1);
  lead(ballot(1, 1), 1);
  lead(ballot(1, 1), 1);
  expect(proposed).toHaveLength(before + 1);
  expect(readerOf(proposed.at(-1))).toMatchObject({ count: 0, ledMs: endsInMs });
});

test('what is due next is known in advance, so that nobody needs to look until then', () => {
  const { commands, execution, tick } = ledStage();
  const { endsInMs = 0 } = execution.sessions;
  expect(commands.dueInMs).toBe(endsInMs);
  tick(1_400.5, 1);
  expect(commands.dueInMs).toBe(endsInMs - 400);
  expect(stage().commands.dueInMs).toBeUndefined();
});

test('what a state machine waits for is due by the wall clock, unless that time has passed', () => {
  const wake = { atMs: undefined as number | undefined };
  const machine = Object.assign(new DigestMachine(), { wakeAtMs: () => wake.atMs });
  const { commands, execution, setWall } = stage(machine);
  setWall(5_000);
  expect(commands.dueInMs).toBeUndefined();
  wake.atMs = 7_000;
  expect(commands.dueInMs).toBe(2_000);
  setWall(8_000);
  expect(commands.dueInMs).toBe(-1_000);
  execution.execute(1, sealBatch(7_000, ballot(1, 1), []), true);
  expect(commands.dueInMs).toBeUndefined();
});

test('as long as a command is on its way somebody is busy', () => {
  const { commands, follow, proposals } = stage();
  expect(commands.isIdle).toBe(true);
  proposals.add([Uint8Array.of(1)], sink, Infinity);
  follow(ballot(1, 2));
  expect(commands.isIdle).toBe(false);
  commands.onMessage(2, { kind: 'forward-ack', ballot: ballot(1, 2), epoch: 1, received: 1 });
  expect(commands.isIdle).toBe(true);
});

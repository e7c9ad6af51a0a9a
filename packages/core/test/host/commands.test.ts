import { expect, test } from 'vitest';
import { BatchReader, sealBatch } from '../../src/codec/batch.ts';
import type { HostMessage } from '../../src/codec/host-codec.ts';
import { Commands } from '../../src/host/commands.ts';
import { Execution } from '../../src/host/execution.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Protocol, ReplicaView } from '../../src/paxos/protocol.ts';
import type { Value } from '../../src/paxos/value.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot } from '../paxos/fixture.ts';

const sink = { result() {}, error() {} };

function stage() {
  const limits = defaultLimits;
  const proposals = new Proposals({ self: 1, epoch: 1, limits });
  const stateMachine = new DigestMachine();
  const execution = new Execution(stateMachine, 1, proposals);
  const sent: { to: number; message: HostMessage }[] = [];
  const clock = { nowMs: () => 0, wallMs: () => 0, everyMs: () => () => {}, soon: () => {} };
  const send = (to: number, message: HostMessage): void => void sent.push({ to, message });
  const commands = new Commands({ limits, clock, stateMachine, execution, proposals, send });
  const proposed: Value[] = [];
  let room = 0;
  const pump = (view: Partial<ReplicaView>): void => {
    const protocol = {
      get view() {
        return { proposedThrough: 0, executedThrough: 0, ...view, room };
      },
    };
    commands.pump(protocol as Protocol, (value) => {
      room -= 1;
      proposed.push(value);
    });
  };
  return {
    execution,
    proposals,
    proposed,
    sent,
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

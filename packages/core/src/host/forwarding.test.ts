import { expect, test } from 'vitest';
import { checkSegment, encodeSegment } from '../codec/segment.ts';
import type { Forward, ForwardAck, HostMessage } from '../codec/host-codec.ts';
import { defaultLimits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import { Forwarder, Intake } from './forwarding.ts';
import { Proposals } from './proposals.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });
const leader = (round: number) => ({ id: 1, ballot: ballot(round) });
const limits = { ...defaultLimits, batchCommandsMax: 1, forwardsInFlightMax: 3 };

function stage(): { proposals: Proposals; forwarder: Forwarder; sent: Forward[] } {
  const sent: Forward[] = [];
  const proposals = new Proposals({ self: 2, epoch: 7, limits });
  const send = (_: number, message: HostMessage): void => void sent.push(message as Forward);
  return { proposals, forwarder: new Forwarder(limits, proposals, send), sent };
}

const sink = { result: () => {}, error: () => {} };
const propose = (proposals: Proposals, count: number): void =>
  void proposals.add(
    Array.from({ length: count }, () => new Uint8Array(4)),
    sink,
    1e9,
  );
const ack = (round: number, received: number, epoch = 7): ForwardAck => ({
  kind: 'forward-ack',
  ballot: ballot(round),
  epoch,
  received,
});

test('no more than the window is under way, and an answer lets the next ones go', () => {
  const { proposals, forwarder, sent } = stage();
  propose(proposals, 5);
  forwarder.pump(leader(1), 0);
  expect(sent.map((f) => f.number)).toEqual([1, 2, 3]);
  forwarder.onAck(ack(1, 2), 1);
  forwarder.pump(leader(1), 1);
  expect(sent.map((f) => f.number)).toEqual([1, 2, 3, 4, 5]);
});

test('what gets no answer is sent again, less and less often', () => {
  const { proposals, forwarder, sent } = stage();
  propose(proposals, 1);
  for (let nowMs = 0; nowMs < 10_000; nowMs += 10) forwarder.pump(leader(1), nowMs);
  // After 200, 600, 1400, 3000 ms, and then every two seconds.
  expect(sent).toHaveLength(8);
  expect(new Set(sent.map((f) => f.number))).toEqual(new Set([1]));
});

test('an answer of another ballot or another start means nothing', () => {
  const { proposals, forwarder, sent } = stage();
  propose(proposals, 1);
  forwarder.pump(leader(1), 0);
  forwarder.onAck(ack(2, 1), 1);
  forwarder.onAck(ack(1, 1, 8), 1);
  forwarder.pump(leader(1), 500);
  expect(sent).toHaveLength(2);
});

test('another ballot begins anew, with what has not left for an earlier one', () => {
  const { proposals, forwarder, sent } = stage();
  propose(proposals, 4);
  forwarder.pump(leader(1), 0);
  forwarder.pump(leader(2), 1);
  expect(sent.map((f) => [f.ballot.round, f.number])).toEqual([
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 1],
  ]);
});

// ---- the leader's side

const forward = (number: number, round = 1, epoch = 7): Forward => ({
  kind: 'forward',
  ballot: ballot(round),
  number,
  segments: encodeSegment({ origin: 2, epoch, firstSequence: number }, [Uint8Array.of(number)]),
});

function intake(): Intake {
  const taken = new Intake(defaultLimits);
  taken.begin(ballot(1));
  return taken;
}

const sequences = (taken: Intake): number[] =>
  taken.take(1_000, 1e6).map((segment) => checkSegment(segment).firstSequence);

const acknowledged = (taken: Intake): number[] => {
  const acks: number[] = [];
  taken.acknowledge((_, message) => void acks.push((message as ForwardAck).received));
  return acks;
};

test('each frame is taken once and in order, whatever the network does', () => {
  const taken = intake();
  for (const number of [1, 3, 2, 2, 1, 3, 3]) taken.onForward(2, forward(number));
  expect(sequences(taken)).toEqual([1, 2, 3]);
  expect(acknowledged(taken)).toEqual([3]);
  expect(acknowledged(taken)).toEqual([]);
});

test('only the leader of exactly that ballot takes it', () => {
  const taken = intake();
  taken.onForward(2, forward(1, 2));
  taken.begin(undefined);
  taken.onForward(2, forward(1));
  expect(taken.isEmpty).toBe(true);
});

test('a new ballot forgets what was not proposed in the old one', () => {
  const taken = intake();
  taken.onForward(2, forward(1));
  taken.begin(ballot(1));
  expect(taken.isEmpty).toBe(false);
  taken.begin(ballot(2));
  expect(taken.isEmpty).toBe(true);
});

test('a late frame of an earlier start is not taken a second time', () => {
  const taken = intake();
  taken.onForward(2, forward(1, 1, 7));
  taken.onForward(2, forward(1, 1, 8));
  taken.onForward(2, forward(1, 1, 7));
  expect(sequences(taken)).toEqual([1, 1]);
});

test('a full intake takes nothing, and does not say that it did', () => {
  const taken = new Intake({ ...defaultLimits, forwardedBytesMax: 60 });
  taken.begin(ballot(1));
  taken.onForward(2, forward(1));
  taken.onForward(2, forward(2));
  expect(acknowledged(taken)).toEqual([1]);
  expect(taken.bytes).toBeLessThanOrEqual(60);
  taken.take(10, 1e6);
  taken.onForward(2, forward(2));
  expect(sequences(taken)).toEqual([2]);
});

test('commands in another’s name are refused', () => {
  expect(() => intake().onForward(3, forward(1))).toThrowError(
    expect.objectContaining({ code: 'RSL_FRAME_INVALID' }) as Error,
  );
});

test('a sender with larger limits is heard, if a batch of each segment fits a frame', () => {
  // Its segments wait one by one: of many sessions, more come in a frame than a batch would hold.
  const segmentOf = (bytes: number): Uint8Array =>
    encodeSegment({ origin: 2, epoch: 7, firstSequence: 1 }, [new Uint8Array(bytes)]);
  const taken = intake();
  const two = segmentOf(2 ** 21);
  const many = Uint8Array.from(Buffer.concat([two, two, two]));
  taken.onForward(2, { ...forward(1), segments: many });
  expect(taken.bytes).toBe(many.length);
  taken.onForward(2, { ...forward(2), segments: segmentOf(2 ** 22) });
  expect(taken.bytes).toBe(many.length);
});

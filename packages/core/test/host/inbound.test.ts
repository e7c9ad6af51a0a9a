import { describe, expect, test } from 'vitest';
import { FrameWriter, type Envelope } from '../../src/codec/frame.ts';
import { fingerprintOf } from '../../src/codec/membership-codec.ts';
import { messageKinds, writeMessage } from '../../src/codec/message-codec.ts';
import { receive } from '../../src/host/inbound.ts';
import type { Message } from '../../src/paxos/messages.ts';
import { ballot, group, heartbeat, phase1a, phase2a, storeOf } from '../paxos/fixture.ts';

const membership = group(3, { group: 'aaaaaaaaaaaaaaaa' });
const ours: Envelope = {
  group: membership.group,
  configuration: membership.number,
  fingerprint: fingerprintOf(membership),
};
const sender = { id: 2, store: storeOf(2) };

/** What becomes of a message of `from` whose frame says this. */
function fateOf(message: Message, change: Partial<Envelope> = {}, from = sender): string {
  const writer = new FrameWriter();
  const [channel, kind] = messageKinds[message.kind];
  writer.begin(channel, kind, { ...ours, ...change });
  writeMessage(message, writer);
  const bytes = new Uint8Array(Buffer.concat(writer.end()));
  const received = receive(from, bytes, ours, membership, 16);
  return received.to === 'nobody' ? received.why : received.to;
}

describe('what a frame is for', () => {
  const vote = heartbeat(ballot(1, 2));
  const request: Message = { kind: 'learn-request', fromSlot: 1, bytesMax: 100 };

  test('votes and heartbeats are heard from members of this very configuration (P5, S2)', () => {
    expect(fateOf(vote)).toBe('protocol');
    expect(fateOf(vote, {}, { id: 2, store: storeOf(7) })).toBe('framesOfNoMember');
    expect(fateOf(vote, {}, { id: 7, store: storeOf(7) })).toBe('framesOfNoMember');
  });

  test('two sets of members with one number are two configurations (R1, S10)', () => {
    expect(fateOf(vote, { fingerprint: ours.fingerprint ^ 1 })).toBe(
      'framesOfAnotherConfiguration',
    );
    expect(fateOf(vote, { configuration: 2 })).toBe('framesOfAnotherConfiguration');
  });

  test('nothing of another group is for us, learning neither (S10)', () => {
    expect(fateOf(vote, { group: 'bbbbbbbbbbbbbbbb' })).toBe('framesOfAnotherGroup');
    expect(fateOf(request, { group: 'bbbbbbbbbbbbbbbb' })).toBe('framesOfAnotherGroup');
  });

  test('learning is for any store of the group, whatever configuration it is in (R1)', () => {
    expect(fateOf(request, { configuration: 2 }, { id: 7, store: storeOf(7) })).toBe('protocol');
  });

  test('only its proposer speaks in a ballot (P1)', () => {
    // Else one member could bring two values into one ballot in another’s name.
    const foreign = [phase1a(ballot(1, 3)), phase2a(ballot(1, 3), 1, 'a'), heartbeat(ballot(1, 3))];
    expect(foreign.map((message) => fateOf(message))).toEqual(
      foreign.map(() => 'framesOfAnotherProposer'),
    );
  });
});

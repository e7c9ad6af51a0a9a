import { ensures, invariant } from '@rsl/contracts';
import { checkSegments, commandsIn, type SegmentHeader } from '../codec/segment.ts';
import type { Forward, ForwardAck, HostMessage } from '../codec/host-codec.ts';
import { FrameError } from '../errors.ts';
import { frameOverheadBytes, type Limits } from '../limits.ts';
import { type Ballot, sameBallot, zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { LeaderView } from '../paxos/protocol.ts';
import { decodeControl } from '../sessions/control.ts';
import type { CommandSource } from './halves.ts';

export type SendToHost = (to: ReplicaId, message: HostMessage) => void;

const resendMsMin = 200;
const resendMsMax = 2_000;

/**
 * This replica's commands on their way to a leader elsewhere: numbered frames, sent again until the
 * leader says that it has them. Whatever is lost, repeated or reordered on the way, the leader of a
 * ballot takes each once and in order; another ballot begins anew (see `Proposals`).
 */
export class Forwarder {
  readonly #limits: Limits;
  readonly #proposals: CommandSource;
  readonly #send: SendToHost;
  #ballot: Ballot = zeroBallot;
  #number = 0;
  #unacknowledged: Forward[] = [];
  #resendMs = resendMsMin;
  #sentAtMs = 0;

  constructor(limits: Limits, proposals: CommandSource, send: SendToHost) {
    this.#limits = limits;
    this.#proposals = proposals;
    this.#send = send;
  }

  /** Sends what waits, within the window, and again what got no answer. */
  pump(leader: LeaderView, nowMs: number): void {
    if (!sameBallot(leader.ballot, this.#ballot)) this.#begin(leader.ballot);
    const { batchBytesMax, batchCommandsMax, forwardsInFlightMax } = this.#limits;
    if (this.#unacknowledged.length > 0 && nowMs - this.#sentAtMs >= this.#resendMs) {
      this.#resendMs = Math.min(resendMsMax, 2 * this.#resendMs);
      this.#sentAtMs = nowMs;
      for (const forward of this.#unacknowledged) this.#send(leader.id, forward);
    }
    while (this.#unacknowledged.length < forwardsInFlightMax) {
      const { ballot } = leader;
      const taken = this.#proposals.takeSegments(ballot, batchCommandsMax, batchBytesMax);
      if (taken.length === 0) return;
      this.#number += 1;
      const segments = joined(taken);
      const forward: Forward = { kind: 'forward', ballot, number: this.#number, segments };
      if (this.#unacknowledged.length === 0) this.#sentAtMs = nowMs;
      this.#unacknowledged.push(forward);
      invariant(
        () =>
          this.#unacknowledged.every(
            (f, i) => f.number === this.#number - this.#unacknowledged.length + 1 + i,
          ),
        'forward-1 what is not acknowledged is numbered without a gap',
      );
      this.#send(leader.id, forward);
    }
  }

  /** Everything that was sent has arrived. */
  get isIdle(): boolean {
    return this.#unacknowledged.length === 0;
  }

  onAck({ ballot, epoch, received }: ForwardAck, nowMs: number): void {
    if (!sameBallot(ballot, this.#ballot) || epoch !== this.#proposals.epoch) return;
    const before = this.#unacknowledged.length;
    this.#unacknowledged = this.#unacknowledged.filter((f) => f.number > received);
    if (this.#unacknowledged.length === before) return;
    this.#resendMs = resendMsMin;
    this.#sentAtMs = nowMs;
  }

  #begin(ballot: Ballot): void {
    this.#ballot = ballot;
    this.#number = 0;
    this.#unacknowledged = [];
    this.#resendMs = resendMsMin;
  }
}

/** One start of another replica that forwards to this leader. */
interface Source {
  readonly id: ReplicaId;
  readonly epoch: number;
  received: number;
  acknowledge: boolean;
}

const sourcesMax = 65_536;

/** Other replicas' commands, taken in by the leader of one ballot, each once and in order. */
export class Intake {
  readonly #limits: Limits;
  #ballot: Ballot | undefined;
  readonly #sources = new Map<string, Source>();
  #segments: Uint8Array[] = [];
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Leads in this ballot from now on, or not at all: what was not proposed is forgotten. */
  begin(ballot: Ballot | undefined): void {
    if (ballot === this.#ballot) return;
    if (ballot !== undefined && this.#ballot !== undefined && sameBallot(ballot, this.#ballot))
      return;
    this.#ballot = ballot;
    this.#sources.clear();
    this.#segments = [];
    this.#bytes = 0;
  }

  /** FrameError if a segment is malformed or not of this peer. */
  onForward(from: ReplicaId, { ballot, number, segments }: Forward): void {
    if (this.#ballot === undefined || !sameBallot(ballot, this.#ballot)) return;
    const headers = checkSegments(segments);
    const [first] = headers;
    // A sender with larger limits than ours: a batch of it might be too large for any frame.
    const bytesMax = (this.#limits.frameBytesMax - frameOverheadBytes) / 2;
    if (headers.some(({ bytes }) => bytes > bytesMax)) return;
    if (first === undefined || !headers.every((h) => isOf(h, from, first.epoch))) {
      throw new FrameError('forwarded commands that are not the sender’s');
    }
    checkControls(segments, headers);
    const source = this.#sourceOf(from, first.epoch);
    if (source === undefined) return;
    source.acknowledge = true;
    // A gap: an earlier one is on its way, again. Full: the sender tries again later.
    if (number !== source.received + 1) return;
    if (this.#bytes + segments.length > this.#limits.forwardedBytesMax) return;
    source.received = number;
    let at = 0;
    for (const { bytes } of headers) {
      this.#segments.push(segments.subarray(at, at + bytes));
      at += bytes;
    }
    this.#bytes += segments.length;
    ensures(
      () => this.#bytes <= this.#limits.forwardedBytesMax,
      'intake-1 within forwardedBytesMax',
    );
  }

  /** The next segments, at most this much but at least one if there is one. */
  take(commandsMax: number, bytesMax: number): Uint8Array[] {
    let count = 0;
    let bytes = 0;
    let commands = 0;
    for (const segment of this.#segments) {
      bytes += segment.length;
      commands += new DataView(segment.buffer, segment.byteOffset).getUint32(4, true);
      if (count > 0 && (bytes > bytesMax || commands > commandsMax)) break;
      count += 1;
    }
    const taken = this.#segments.splice(0, count);
    for (const segment of taken) this.#bytes -= segment.length;
    invariant(
      () => this.#bytes === this.#segments.reduce((sum, { length }) => sum + length, 0),
      'intake-2 bytes are counted once',
    );
    return taken;
  }

  /** Tells every source that sent something since the last call what has arrived. */
  acknowledge(send: SendToHost): void {
    const ballot = this.#ballot;
    if (ballot === undefined) return;
    for (const source of this.#sources.values()) {
      if (!source.acknowledge) continue;
      source.acknowledge = false;
      const { id, epoch, received } = source;
      send(id, { kind: 'forward-ack', ballot, epoch, received });
    }
  }

  #sourceOf(id: ReplicaId, epoch: number): Source | undefined {
    const key = `${id}:${epoch}`;
    const known = this.#sources.get(key);
    if (known !== undefined || this.#sources.size >= sourcesMax) return known;
    const source: Source = { id, epoch, received: 0, acknowledge: false };
    this.#sources.set(key, source);
    return source;
  }
}

const isOf = (header: SegmentHeader, from: ReplicaId, epoch: number): boolean =>
  header.origin === from && header.epoch === epoch && header.count > 0;

/** Words that nobody understands would stop every replica: they are refused at the door. */
function checkControls(segments: Uint8Array, headers: readonly SegmentHeader[]): void {
  let at = 0;
  for (const header of headers) {
    if (header.isControl) {
      const segment = segments.subarray(at, at + header.bytes);
      for (const word of commandsIn(segment, header)) decodeControl(word);
    }
    at += header.bytes;
  }
}

function joined(segments: readonly Uint8Array[]): Uint8Array {
  const [only] = segments;
  if (only !== undefined && segments.length === 1) return only;
  const bytes = new Uint8Array(segments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const segment of segments) {
    bytes.set(segment, at);
    at += segment.length;
  }
  return bytes;
}

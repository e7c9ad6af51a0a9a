import { readFrame } from '../../codec/frame.ts';
import { readMessage } from '../../codec/message-codec.ts';
import { type Ballot, compareBallots, describeBallot, sameBallot } from '../../paxos/ballot.ts';
import type { Message, Phase1b, Phase2b } from '../../paxos/messages.ts';
import type { Slot } from '../../paxos/slot.ts';
import type { MemoryDisk } from '../memory-disk.ts';
import type { MemoryShelf } from '../memory-shelf.ts';
import { check } from './check-failed.ts';
import type { DecisionChecker } from './decisions.ts';

/** 1a, 1b, 2a, 2b, heartbeat and grant, by their number in the frame. */
const watched = new Set([1, 2, 3, 4, 6, 12]);
const [channelAt, kindAt] = [2, 3];

/** What a member has that outlives it. */
export interface Media {
  readonly disk: MemoryDisk;
  readonly shelf: MemoryShelf;
}

/** What each member has said so far in one ballot. */
interface Said {
  ballot: Ballot;
  through: Slot;
}

/** Nothing that a member says of itself is more than what is durable on its medium (P2, P6, Q2). */
export class RevelationChecker {
  readonly #decisions: DecisionChecker;
  readonly #bases = new Map<string, Slot>();
  readonly #said = new Map<number, Said>();
  /** What the heartbeats of a ballot ask for. */
  readonly #leases = new Map<string, number>();

  constructor(decisions: DecisionChecker) {
    this.#decisions = decisions;
  }

  /** The frame is leaving. */
  onFrame(from: number, media: Media, frame: Uint8Array): void {
    if (frame[channelAt] !== 0 || !watched.has(frame[kindAt] ?? 0)) return;
    const message = readMessage(readFrame(frame));
    if (message !== undefined) this.#onMessage(from, media, message);
  }

  #onMessage(from: number, media: Media, message: Message): void {
    const { disk } = media;
    switch (message.kind) {
      case '1a':
        return this.#promised(from, message.ballot, '1a');
      case '1b':
        this.#promised(from, message.ballot, '1b');
        return this.#reported(from, disk, message);
      case '2a':
        this.#bases.set(describeBallot(message.ballot), message.base);
        return this.#decisions.onProposed(message.ballot, message.slot, message.value.checksum);
      case '2b':
        return this.#accepted(from, media, message);
      case 'grant':
        return this.#granted(from, disk, message.ballot);
      case 'heartbeat':
        if (message.leaseMs > 0) {
          this.#leases.set(describeBallot(message.ballot), message.leaseMs);
        }
        this.#bases.set(describeBallot(message.ballot), message.base);
        return;
      default:
    }
  }

  /** Whoever grants a lease would wait as long if it were started again now (Q2). */
  #granted(from: number, disk: MemoryDisk, ballot: Ballot): void {
    const leaseMs = this.#leases.get(describeBallot(ballot)) ?? Infinity;
    check(disk.leaseMs >= leaseMs, () => {
      return `member ${from} grants ${leaseMs} ms, and only ${disk.leaseMs} are durable (Q2, P2)`;
    });
  }

  #promised(from: number, ballot: Ballot, what: string): void {
    const durable = this.#decisions.promised(from);
    check(compareBallots(durable, ballot) >= 0, () => {
      const said = `member ${from} sends a ${what} of ballot ${describeBallot(ballot)}`;
      return `${said}, and only ${describeBallot(durable)} is durable (P2)`;
    });
  }

  /** A vote that is reported is one that the medium has, in no other ballot than it says. */
  #reported(from: number, disk: MemoryDisk, { reported }: Phase1b): void {
    for (const one of reported) {
      if (one.state !== 'voted') continue;
      const stored = disk.values.get(one.slot);
      // A learned value that was lost has not taken the vote in front of it along (S3).
      const durable =
        stored === undefined
          ? hasVote(disk, one.slot, one.ballot)
          : isAtLeast(stored.ballot, one.ballot);
      check(durable, () => {
        return `member ${from} reports a vote in slot ${one.slot} that is not durable (P2)`;
      });
    }
  }

  /**
   * 2b: every slot from the base through here is voted for in this ballot, or decided (P6): also
   * one that a durable snapshot covers.
   */
  #accepted(from: number, { disk, shelf }: Media, { ballot, through }: Phase2b): void {
    const base = this.#bases.get(describeBallot(ballot));
    if (base === undefined) return;
    const said = this.#said.get(from) ?? { ballot, through: base - 1 };
    if (!sameBallot(said.ballot, ballot)) Object.assign(said, { ballot, through: base - 1 });
    const covered = Math.max(0, ...shelf.snapshots.keys());
    for (let slot = Math.max(covered, said.through) + 1; slot <= through; slot += 1) {
      const stored = disk.values.get(slot);
      const voted = this.#decisions.hasVoted(from, slot, ballot);
      const known = stored !== undefined && stored.ballot === undefined;
      const decided = this.#decisions.checksumOf(slot) !== undefined;
      check(voted || known || (decided && stored !== undefined), () => {
        const what = `member ${from} sends a 2b of ballot ${describeBallot(ballot)}`;
        return `${what} through ${through}, and its medium has no vote in slot ${slot} (P2, P6)`;
      });
    }
    this.#said.set(from, { ballot, through: Math.max(said.through, through) });
  }
}

const hasVote = (disk: MemoryDisk, slot: Slot, ballot: Ballot): boolean =>
  disk.records.some(
    (r) => r.kind === 'vote' && r.slot === slot && sameBallot(r.vote.ballot, ballot),
  );

/** A decided value, which no ballot belongs to, has taken the place of any vote. */
const isAtLeast = (stored: Ballot | undefined, ballot: Ballot): boolean =>
  stored === undefined || compareBallots(stored, ballot) >= 0;

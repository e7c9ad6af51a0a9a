import { deserialize, serialize } from 'node:v8';
import { requires } from '@rsl/contracts';
import { type Ballot, sameBallot } from '../paxos/ballot.ts';
import type { EngineMeasures, EngineStatus } from '../host/halves.ts';

/** Where commands go now. */
export interface Outlook {
  /** The ballot of the leader, here or elsewhere, that commands are taken for. */
  readonly ballot: Ballot | undefined;
  /** It leads, and has no room for more commands (S5). */
  readonly refusesCommands: boolean;
}

export interface Notice {
  readonly status: EngineStatus;
  readonly measures: EngineMeasures;
  /** How often what is measured was begun anew. */
  readonly resets: number;
}

const word = { version: 0, flags: 1, configuration: 2, round: 3, proposer: 4, lock: 5, length: 6 };
const controlBytes = 32;
const flag = { isLed: 1, refusesCommands: 2 } as const;
const KiB = 1_024;
/** For a member: 16 addresses, names and texts of up to 1,024 characters of two bytes. */
const memberBytesMax = 64 * KiB;
const membersShownMax = 256;
const readsMax = 1_000;

/** Room for the status of a group with so many members, 256 at most. */
export function boardMemory(membersMax: number): SharedArrayBuffer {
  const bytes = 64 * KiB + Math.min(membersMax, membersShownMax) * memberBytesMax;
  return new SharedArrayBuffer(controlBytes + bytes);
}

const nothing: Outlook = { ballot: undefined, refusesCommands: false };

const sameOutlook = (a: Outlook, b: Outlook): boolean =>
  a.refusesCommands === b.refusesCommands &&
  (a.ballot === undefined || b.ballot === undefined
    ? a.ballot === b.ballot
    : sameBallot(a.ballot, b.ballot));

/**
 * What the engine's thread shows and the other one looks at whenever it likes, also after a long
 * time in which it could take no message: only the newest of each is ever there.
 */
class Board {
  protected readonly control: Int32Array;
  protected readonly bytes: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.control = new Int32Array(memory, 0, controlBytes / 4);
    this.bytes = Buffer.from(memory, controlBytes);
  }

  protected load(name: keyof typeof word): number {
    return Atomics.load(this.control, word[name]);
  }

  protected store(name: keyof typeof word, value: number): void {
    Atomics.store(this.control, word[name], value);
  }

  /** Never waits: the other side may have ended while it had it. */
  protected tryLock(): boolean {
    return Atomics.compareExchange(this.control, word.lock, 0, 1) === 0;
  }
}

export class BoardWriter extends Board {
  #shown: Outlook = nothing;

  /** The version is odd while the words do not belong together. */
  showOutlook(outlook: Outlook): void {
    if (sameOutlook(outlook, this.#shown)) return;
    this.#shown = outlook;
    const { ballot, refusesCommands } = outlook;
    this.store('version', this.load('version') + 1);
    const isLed = ballot === undefined ? 0 : flag.isLed;
    this.store('flags', isLed | (refusesCommands ? flag.refusesCommands : 0));
    this.store('configuration', ballot?.configuration ?? 0);
    this.store('round', ballot?.round ?? 0);
    this.store('proposer', ballot?.proposer ?? 0);
    this.store('version', this.load('version') + 1);
  }

  /** False: it is being looked at; try again. */
  showNotice(notice: Notice): boolean {
    const bytes = serialize(notice);
    requires(() => bytes.length <= this.bytes.length, 'board-1 a notice fits on the board');
    if (!this.tryLock()) return false;
    this.bytes.set(bytes);
    this.store('length', bytes.length);
    this.store('lock', 0);
    return true;
  }
}

export class BoardReader extends Board {
  #outlook = nothing;
  #version = 0;
  #notice: Notice | undefined;

  outlook(): Outlook {
    for (let reads = 0; reads < readsMax; reads += 1) {
      const version = this.load('version');
      if (version === this.#version) break;
      const flags = this.load('flags');
      const configuration = this.load('configuration') >>> 0;
      const round = this.load('round') >>> 0;
      const ballot = { configuration, round, proposer: this.load('proposer') };
      if (version % 2 !== 0 || version !== this.load('version')) continue;
      this.#version = version;
      this.#outlook = {
        ballot: (flags & flag.isLed) === 0 ? undefined : ballot,
        refusesCommands: (flags & flag.refusesCommands) !== 0,
      };
    }
    return this.#outlook;
  }

  /** The newest; undefined before the first. */
  notice(): Notice | undefined {
    for (let reads = 0; reads < readsMax && !this.tryLock(); reads += 1) {
      if (reads === readsMax - 1) return this.#notice;
    }
    const length = this.load('length');
    const bytes = Buffer.from(this.bytes.subarray(0, length));
    this.store('lock', 0);
    if (length > 0) this.#notice = deserialize(bytes) as Notice;
    return this.#notice;
  }
}

import { ensures, requires } from '@rsl/contracts';
import {
  type Effect,
  type Input,
  type LearnReply,
  type MakeProtocol,
  type Membership,
  type Protocol,
  type ReplicaId,
  type ReplicaView,
  type Restored,
  restoredAfter,
  type Slot,
} from '@rsl/core/protocol';
import { KeptInputs } from './kept-inputs.ts';

/** Read of the log at a time. */
const readBytesMax = 1024 * 1024;
/** A read of the log that has brought nothing is repeated. */
const readAgainMs = 1_000;

export interface StatelessParts {
  readonly self: ReplicaId;
  readonly make: MakeProtocol;
  readonly membership: Membership;
  readonly restored: Restored;
  readonly keptInputsMax: number;
}

/**
 * In the place of a protocol whose state is lost: no snapshot that it has is good, and its log
 * begins behind slot 1 (S6).
 *
 *   waits ── a peer's is installed ─▶ executes what the log has behind it ─▶ begins
 *
 * Until then it promises, votes, answers and executes nothing, as if it were down. Then there is a
 * state and the log behind it, as after any start, and the protocol begins with all that the log
 * remembers of promises and votes. It must not begin earlier: what the log knows to be decided is
 * reported in no 1b as a vote, but counts as released.
 */
export class Stateless implements Protocol {
  readonly #parts: StatelessParts;
  readonly #kept: KeptInputs;
  #begun: Protocol | undefined;
  #firstSlot: Slot;
  #isInstalled = false;
  #releasedThrough: Slot = 0;
  #executedThrough: Slot = 0;
  #readMs = -Infinity;

  constructor(parts: StatelessParts) {
    this.#parts = parts;
    this.#firstSlot = parts.restored.firstSlot;
    this.#kept = new KeptInputs(parts.keptInputsMax);
  }

  get view(): ReplicaView {
    if (this.#begun !== undefined) return this.#begun.view;
    const { membership, restored } = this.#parts;
    return {
      role: 'follower',
      ballot: restored.promised,
      promised: restored.promised,
      voter: false,
      leader: undefined,
      membership,
      firstSlot: this.#firstSlot,
      releasedThrough: this.#releasedThrough,
      executedThrough: this.#executedThrough,
      proposedThrough: 0,
      room: 0,
    };
  }

  /** Somebody has to give it a state. */
  get isIdle(): boolean {
    return this.#begun?.isIdle ?? false;
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    if (this.#begun !== undefined) return this.#begun.step(input, nowMs);
    const effects = this.#take(input, nowMs);
    return this.#isWhole ? [...effects, ...this.#begin(nowMs)] : effects;
  }

  #take(input: Input, nowMs: number): readonly Effect[] {
    switch (input.kind) {
      case 'tick':
        return this.#isInstalled ? this.#read(nowMs) : [this.#behind];
      case 'snapshot-installed':
        return this.#onInstalled(input.slot, nowMs);
      case 'message':
        if (input.from !== this.#parts.self || input.message.kind !== 'learn-reply') return [];
        return this.#onRead(input.message, nowMs);
      case 'executed':
        this.#executedThrough = Math.max(this.#executedThrough, input.through);
        return [];
      case 'propose':
        return [{ kind: 'reject', value: input.value, leader: undefined }];
      case 'read':
      case 'forget-read':
      case 'storage':
      case 'layer-answer':
      case 'connection':
        this.#kept.add(input);
        return [];
      default:
        return [];
    }
  }

  /** It has nothing, and needs the slot before the first of its log. */
  get #behind(): Effect {
    const { restored, self } = this.#parts;
    return { kind: 'behind', need: restored.firstSlot - 1, peer: self };
  }

  /** What is cut is in the snapshot; what the log has behind it stays, and is executed. */
  #onInstalled(slot: Slot, nowMs: number): readonly Effect[] {
    const { firstSlot } = this.#parts.restored;
    requires(() => !this.#isInstalled, 'stateless-1 one state takes the place of none');
    requires(() => slot >= firstSlot - 1, 'stateless-2 the state reaches the log (S6)');
    this.#isInstalled = true;
    this.#releasedThrough = slot;
    this.#executedThrough = slot;
    this.#firstSlot = slot + 1;
    const before = slot + 1;
    const installed = [
      { kind: 'installed', slot },
      { kind: 'truncate-log', before },
    ] as const;
    return [...installed, ...this.#read(nowMs)];
  }

  /** The next slots of its own log, one read at a time; those it has are executed first. */
  #read(nowMs: number): readonly Effect[] {
    const { decidedThrough: through } = this.#parts.restored;
    const { self } = this.#parts;
    if (this.#releasedThrough >= through || nowMs - this.#readMs < readAgainMs) return [];
    this.#readMs = nowMs;
    const slots = { fromSlot: this.#releasedThrough + 1, through, bytesMax: readBytesMax };
    const known = { firstSlot: this.#firstSlot, decidedThrough: through };
    return [{ kind: 'serve', to: self, ...slots, ...known }];
  }

  #onRead({ fromSlot, values }: LearnReply, nowMs: number): readonly Effect[] {
    // One that was repeated comes twice.
    if (!this.#isInstalled || fromSlot !== this.#releasedThrough + 1) return [];
    const { membership } = this.#parts;
    const effects = values.map((value, i): Effect => {
      return { kind: 'execute', slot: fromSlot + i, value, membership };
    });
    this.#releasedThrough += values.length;
    if (values.length > 0) this.#readMs = -Infinity;
    return [...effects, ...this.#read(nowMs)];
  }

  /** All that the log knows to be decided is executed: nothing is missing any more. */
  get #isWhole(): boolean {
    const { decidedThrough } = this.#parts.restored;
    if (!this.#isInstalled || this.#releasedThrough < decidedThrough) return false;
    return this.#executedThrough >= this.#releasedThrough;
  }

  #begin(nowMs: number): readonly Effect[] {
    const { make, membership, restored } = this.#parts;
    const { isStateless: _, ...remembered } = restored;
    const after = restoredAfter(remembered, this.#releasedThrough);
    const begun = make(membership, { ...after, firstSlot: this.#firstSlot });
    this.#begun = begun;
    ensures(
      () => begun.view.releasedThrough === this.#releasedThrough,
      'stateless-3 the protocol begins behind what is executed (P7)',
    );
    return this.#kept.take().flatMap((input) => begun.step(input, nowMs));
  }
}

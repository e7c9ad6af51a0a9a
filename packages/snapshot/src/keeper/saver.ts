import { requires } from '@rsl/contracts';
import { ClosedError, OverloadedError } from '@rsl/core';
import type { Clock, Logger, Membership, ReplicatedState, SnapshotMeta } from '@rsl/core/protocol';
import { asError } from '../failures.ts';
import { imageLayout } from '../image-layout.ts';
import type { Kept } from './kept.ts';
import { Pace } from './pace.ts';
import type { Teller } from './progress.ts';
import type { SavePolicy } from './save-policy.ts';
import { abandoned, saveImage } from './save-image.ts';

/** What `saveNow` resolves with. */
export interface Saved {
  readonly meta: SnapshotMeta;
  /** For people: the path of a file, or what else it is. */
  readonly where: string;
}

interface Waiter {
  readonly resolve: (saved: Saved) => void;
  readonly reject: (error: Error) => void;
}

/** Callers that wait for a snapshot at a time. */
export const saveCallersMax = 1_024;

export interface SaverParts {
  /** Says what governs the slot after the last one that was executed (R8). */
  readonly governing: { readonly membership: Membership | undefined };
  readonly kept: Kept;
  readonly policy: SavePolicy;
  readonly state: ReplicatedState;
  readonly saveAgainMs: number;
  readonly saveBytesPerSecondMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly teller: Teller;
  /** This one is of a slot after which all members save. */
  readonly common: (meta: SnapshotMeta) => void;
  /** What must not be has happened. */
  readonly fail: (error: Error) => void;
}

/** Whoever gives up a save waits no longer than this for it. */
const restMsMax = 50;

/** Saves when it is due or asked for: one at a time, in the background. */
export class Saver {
  readonly #parts: SaverParts;
  #waiters: Waiter[] = [];
  /** Of `saveNow`, that have not been answered. */
  #callers = 0;
  #running: Promise<void> | undefined;
  #runsForWaiters = false;
  #isAbandoned = false;
  #isHeld = false;
  #retryAtMs = -Infinity;
  #isClosed = false;

  constructor(parts: SaverParts) {
    this.#parts = parts;
  }

  saveNow(): Promise<Saved> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#callers >= saveCallersMax) return Promise.reject(tooManyCallers());
    this.#callers += 1;
    const saved = new Promise<Saved>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.consider();
    });
    return saved.finally(() => {
      this.#callers -= 1;
    });
  }

  /** Begins to save if there is reason to: the state is that right after the last slot. */
  consider(): void {
    const { governing, state } = this.#parts;
    const { membership } = governing;
    if (this.#running !== undefined || this.#isHeld || this.#isClosed) return;
    if (membership === undefined || !state.canSave || state.executedThrough === 0) return;
    if (this.#waiters.length === 0 && !this.#isDue) return;
    const waiters = this.#waiters.splice(0);
    this.#running = this.#run(membership, waiters)
      .then(() => {
        this.#running = undefined;
        this.consider();
      })
      .catch((cause: unknown) => this.#parts.fail(asError(cause)));
  }

  /** What is being written is given up, unless somebody waits for it. */
  stop(): void {
    if (!this.#runsForWaiters) this.#isAbandoned = true;
  }

  /** Nothing is saved until `release`: what was being written is given up. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    this.#isAbandoned = true;
    await this.#running;
  }

  release(): void {
    this.#isHeld = false;
    this.consider();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.hold();
    for (const { reject } of this.#waiters.splice(0)) reject(closed());
  }

  get #isDue(): boolean {
    const { clock, policy } = this.#parts;
    return policy.isDue && clock.nowMs() >= this.#retryAtMs;
  }

  /** Until its first `await` in the turn of the slot: the image is that of exactly this state. */
  async #run(membership: Membership, waiters: readonly Waiter[]): Promise<void> {
    const { clock, kept, policy, state } = this.#parts;
    const { executedThrough: slot, timeMs } = state;
    const existing = kept.at(slot);
    policy.saved(slot, timeMs);
    this.#isAbandoned = false;
    this.#runsForWaiters = waiters.length > 0;
    try {
      const fromMs = clock.nowMs();
      const meta = existing ?? (await this.#write({ slot, membership, layout: imageLayout }));
      const where = kept.store.where(meta);
      if (existing === undefined) {
        this.#tellSaved(meta, where, clock.nowMs() - fromMs);
        // Another one of this slot may be a copy: it does not say what was executed here.
        if (policy.isCommon(slot)) this.#parts.common(meta);
      }
      for (const { resolve } of waiters) resolve({ meta, where });
    } catch (cause) {
      this.#onFailure(slot, asError(cause), waiters);
    }
  }

  async #write(about: { slot: number; membership: Membership; layout: number }) {
    const { kept, saveBytesPerSecondMax, state, teller } = this.#parts;
    const { slot } = about;
    requires(
      () => state.executedThrough === slot,
      'save-1 what is saved is the state right after its slot (P9)',
    );
    const image = state.save();
    const pace = new Pace(saveBytesPerSecondMax);
    teller.tell({ kind: 'saving', slot, bytes: 0 });
    const meta = await saveImage(kept.store, about, image, {
      isAbandoned: () => this.#isAbandoned,
      wrote: (bytes) => teller.tell({ kind: 'saving', slot, bytes }),
      rest: (bytes) => this.#rest(pace, bytes),
    });
    await kept.added();
    return meta;
  }

  /** Everybody else has a turn, and as many as the pace leaves them. */
  async #rest(pace: Pace, bytes: number): Promise<void> {
    const { clock } = this.#parts;
    pace.took(bytes, clock.nowMs());
    do {
      const waitMs = Math.min(Math.ceil(pace.waitMs(clock.nowMs())), restMsMax);
      await (waitMs === 0 ? soon(clock) : after(clock, waitMs));
    } while (pace.waitMs(clock.nowMs()) > 0 && !this.#isAbandoned);
  }

  #tellSaved(meta: SnapshotMeta, where: string, ms: number): void {
    const { logger, teller } = this.#parts;
    const { bytes, slot } = meta;
    logger.info({ slot, bytes, where, ms: Math.round(ms) }, 'a snapshot was saved');
    teller.tell({ kind: 'saved', meta, where, ms });
  }

  /** The replica goes on: it has the older snapshots, and the log behind them. */
  #onFailure(slot: number, error: Error, waiters: readonly Waiter[]): void {
    const { clock, logger, policy, saveAgainMs, teller } = this.#parts;
    policy.missing();
    if (error === abandoned) {
      this.#waiters.unshift(...waiters);
      return;
    }
    this.#retryAtMs = clock.nowMs() + saveAgainMs;
    logger.warn(
      { err: error, slot, saveAgainMs },
      'a snapshot could not be saved; tried again later',
    );
    teller.tell({ kind: 'save-failed', slot, error });
    for (const { reject } of waiters) reject(error);
  }
}

const tooManyCallers = (): OverloadedError => {
  const why = `${saveCallersMax} callers wait for a snapshot (saveCallersMax); ask again later`;
  return new OverloadedError('saveCallersMax', why);
};

const soon = (clock: Clock): Promise<void> => new Promise((resolve) => clock.soon(resolve));

const after = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const stop = clock.everyMs(ms, () => {
      stop();
      resolve();
    });
  });

const closed = (): ClosedError => new ClosedError('the replica was closed; nothing is saved');

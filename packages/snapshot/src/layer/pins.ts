import { ensures } from '@rsl/contracts';
import type { ReplicaId, Slot, SnapshotMeta } from '@rsl/core/protocol';

interface Reader {
  /** As far as it has asked. */
  through: number;
  /** Then it is forgotten, unless it asks for more. */
  untilMs: number;
  isDone: boolean;
}

interface Pin {
  readonly meta: SnapshotMeta;
  readonly readers: Map<ReplicaId, Reader>;
  /** Its reader beside the state machine is open, or about to be. */
  isOpen: boolean;
}

/**
 * Which snapshots stay because peers read them: each peer one, each for a bounded time without
 * progress, and a bounded number in all. Whoever is done still pins the log behind what it read:
 * it is about to ask for it.
 */
export class Pins {
  readonly #pinMs: number;
  readonly #pinsMax: number;
  readonly #pins = new Map<string, Pin>();

  constructor({ pinMs, pinsMax }: { readonly pinMs: number; readonly pinsMax: number }) {
    this.#pinMs = pinMs;
    this.#pinsMax = pinsMax;
  }

  /** Of those that are read. */
  metaOf(digest: string): SnapshotMeta | undefined {
    const pin = this.#pins.get(digest);
    return pin?.isOpen === true ? pin.meta : undefined;
  }

  get metas(): readonly SnapshotMeta[] {
    return [...this.#pins.values()].filter(({ isOpen }) => isOpen).map(({ meta }) => meta);
  }

  /** What the log is kept behind of. */
  get slots(): readonly Slot[] {
    return [...this.#pins.values()].map(({ meta }) => meta.slot);
  }

  /** `peer` reads this one up to `through`. False: too many are read already. */
  read(peer: ReplicaId, meta: SnapshotMeta, through: number, nowMs: number): boolean {
    const pin = this.#pins.get(meta.digest) ?? this.#add(meta);
    if (pin === undefined) return false;
    for (const other of this.#pins.values()) if (other !== pin) other.readers.delete(peer);
    const reader = pin.readers.get(peer);
    if (reader === undefined || reader.isDone) {
      pin.readers.set(peer, { through, untilMs: nowMs + this.#pinMs, isDone: false });
    } else if (through > reader.through) {
      // Only progress counts: whoever asks for the same again and again keeps nothing for ever.
      reader.through = through;
      reader.untilMs = nowMs + this.#pinMs;
    }
    pin.isOpen = true;
    ensures(
      () => this.#pins.size <= this.#pinsMax,
      'serve-1 a bounded number of snapshots stays for peers',
    );
    return true;
  }

  #add(meta: SnapshotMeta): Pin | undefined {
    if (this.#pins.size >= this.#pinsMax) {
      const idle = [...this.#pins].find(([, { isOpen }]) => !isOpen);
      if (idle === undefined) return undefined;
      this.#pins.delete(idle[0]);
    }
    const pin = { meta, readers: new Map<ReplicaId, Reader>(), isOpen: true };
    this.#pins.set(meta.digest, pin);
    return pin;
  }

  /** `peer` reads it no more; the log behind it stays for a while. */
  done(peer: ReplicaId, digest: string, nowMs: number): void {
    const reader = this.#pins.get(digest)?.readers.get(peer);
    if (reader === undefined || reader.isDone) return;
    reader.isDone = true;
    reader.untilMs = nowMs + this.#pinMs;
  }

  /** Nobody can read it any more. True if it was read. */
  drop(digest: string): boolean {
    const isOpen = this.#pins.get(digest)?.isOpen === true;
    this.#pins.delete(digest);
    return isOpen;
  }

  /** Forgets whose time is over; gives the digests that nobody reads any more, each once. */
  sweep(nowMs: number): string[] {
    const released: string[] = [];
    for (const [digest, pin] of this.#pins) {
      for (const [peer, { untilMs }] of pin.readers) {
        if (untilMs <= nowMs) pin.readers.delete(peer);
      }
      const isRead = [...pin.readers.values()].some(({ isDone }) => !isDone);
      if (pin.isOpen && !isRead) {
        pin.isOpen = false;
        released.push(digest);
      }
      if (pin.readers.size === 0) this.#pins.delete(digest);
    }
    return released;
  }
}

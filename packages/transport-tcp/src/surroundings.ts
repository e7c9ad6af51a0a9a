import type { Socket } from 'node:net';
import type { Clock, Logger, Random } from '@rsl/core';
import { AwakeTime } from './awake-time.ts';
import { Counters, QuietLog } from './counters.ts';
import { SlabPool } from './piece-queue.ts';
import type { LivenessSettings } from './liveness.ts';
import type { Settings } from './options.ts';

/** What every connection uses. */
export interface ConnectionSurroundings {
  readonly settings: LivenessSettings;
  readonly time: AwakeTime;
  readonly log: QuietLog;
  readonly counters: Counters;
  readonly slabs: SlabPool;
  readonly flusher: Flusher;
  readonly sockets: OpenSockets;
}

/** With these settings; everything else new. */
export function surroundingsOf<Given extends LivenessSettings>(
  settings: Given,
  clock: Clock,
  logger: Logger,
): ConnectionSurroundings & { readonly settings: Given } {
  return {
    settings,
    time: new AwakeTime(clock),
    log: new QuietLog(logger, () => clock.nowMs()),
    counters: new Counters(),
    slabs: new SlabPool(),
    flusher: new Flusher(clock),
    sockets: new OpenSockets(),
  };
}

/** What every part of one transport between replicas uses. */
export interface Surroundings extends ConnectionSurroundings {
  readonly settings: Settings;
  readonly random: Random;
  /** Names this life of this transport: 16 hexadecimal digits, drawn when it was opened. */
  readonly process: () => string;
  /** Counts the links that this transport has dialed: 1, 2, … */
  nextLink(): number;
}

export interface Flushable {
  flush(): void;
}

/** Lets each connection write once at the end of a turn, with one wake-up for all of them. */
export class Flusher {
  readonly #clock: Clock;
  #waiting: Flushable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(connection: Flushable): void {
    this.#waiting.push(connection);
    if (this.#waiting.length === 1) this.#clock.soon(this.#flush);
  }

  readonly #flush = (): void => {
    const now = this.#waiting;
    this.#waiting = [];
    for (const connection of now) connection.flush();
  };
}

/** Every socket of a transport, so that closing it leaves none behind. */
export class OpenSockets {
  readonly #open = new Set<Socket>();
  readonly #lingering = new Map<Socket, number>();
  #whenNone: (() => void) | undefined;

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): void {
    this.#open.add(socket);
  }

  delete(socket: Socket): void {
    this.#open.delete(socket);
    this.#lingering.delete(socket);
    if (this.#open.size === 0) this.#whenNone?.();
  }

  /** It may send the rest of what it has until then. */
  linger(socket: Socket, untilMs: number): void {
    if (this.#open.has(socket)) this.#lingering.set(socket, untilMs);
  }

  tick(nowMs: number): void {
    for (const [socket, untilMs] of this.#lingering) if (nowMs >= untilMs) socket.destroy();
  }

  /** Resolves when the last one is closed. */
  none(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNone = resolve;
    });
  }
}

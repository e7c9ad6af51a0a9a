import type { Protocol } from '../paxos/protocol.ts';
import type { Clock } from '../ports/clock.ts';
import type { Commands } from './commands.ts';
import type { Counters } from './counters.ts';
import type { Metrics } from './metrics.ts';

/** A leader that sleeps looks at the time at least so often, if anything is due at some time. */
const napMsMax = 500;

export interface RhythmHost {
  protocol(): Protocol | undefined;
  /** A turn with a tick is due. */
  tick(): void;
  /** It slept until now: the protocol is to know before it hears anything else. */
  woken(): void;
  /** Time should pass for somebody: it is to wake. */
  due(): void;
}

export interface RhythmParts {
  readonly clock: Clock;
  readonly tickMs: number;
  readonly commands: Commands;
  readonly counters: Counters;
  readonly metrics: Metrics;
}

/** When a host ticks: every `tickMs`, or not at all while it sleeps (see `Sleep`). */
export class Rhythm {
  readonly #host: RhythmHost;
  readonly #parts: RhythmParts;
  #stop: (() => void) | undefined;

  constructor(host: RhythmHost, parts: RhythmParts) {
    this.#host = host;
    this.#parts = parts;
  }

  begin(): void {
    const { metrics, tickMs } = this.#parts;
    this.#every(tickMs, () => {
      metrics.ticked();
      this.#host.tick();
    });
  }

  end(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** From now on only what is due at a time of its own is looked at, and by the leader only. */
  fellAsleep(): void {
    this.end();
    this.#parts.counters.count('sleeps');
    if (this.#host.protocol()?.view.role === 'phase2') this.#nap();
  }

  woke(): void {
    this.#parts.counters.count('wakes');
    this.#parts.metrics.ticksBegan();
    this.begin();
    this.#host.woken();
    this.#host.tick();
  }

  /**
   * A session that ends, a state machine that wants to be woken. Often enough that a process which
   * stood still is told from one that slept: only while clients could use it time passes for them.
   */
  #nap(): void {
    const { clock, commands } = this.#parts;
    this.end();
    commands.onTick(this.#host.protocol(), true, clock.nowMs());
    const { dueInMs } = commands;
    if (dueInMs === undefined) return;
    if (dueInMs <= 0) return this.#host.due();
    this.#every(Math.min(napMsMax, Math.ceil(dueInMs)), () => this.#nap());
  }

  #every(periodMs: number, run: () => void): void {
    this.end();
    this.#stop = this.#parts.clock.everyMs(periodMs, run);
  }
}

import { asRslError } from '../host/as-rsl-error.ts';
import type { Counters } from '../host/counters.ts';
import type { Engine, EngineMeasures, EngineStatus } from '../host/halves.ts';
import type { LocalApplication } from '../host/local-application.ts';
import { Quantity } from '../host/quantity.ts';
import { ClosedError, type RslError } from '../errors.ts';
import type { Limits, Timings } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { LayerAnswer, LayerOrder } from '../ports/layer.ts';
import type { PeerAddress } from '../ports/transport.ts';
import { unreachable } from '../unreachable.ts';
import { BoardReader, type Notice } from './board.ts';
import { CommandFeed } from './command-feed.ts';
import { revived } from './portable-error.ts';
import { readSlot } from './records.ts';
import { writeLine } from './remote-logger.ts';
import { RingReader, RingWriter } from './ring.ts';
import { StagingCredit } from './staged.ts';
import { bell, type Happening, type Order, type Report, type Shared } from './words.ts';

export interface RemoteEngineOptions {
  readonly self: ReplicaId;
  readonly application: LocalApplication;
  readonly shared: Shared;
  readonly limits: Limits;
  readonly timings: Timings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of this thread. */
  readonly counters: Counters;
  readonly order: (order: Order) => void;
  /** The application cannot go on. */
  readonly failed: (error: RslError) => void;
}

/** Slots are executed for so long at a time, at least one: then others get their turn. */
const turnMsMax = 5;

interface Bootstrap {
  readonly resolve: (result: 'formed' | 'already') => void;
  readonly reject: (error: Error) => void;
}

/** The engine, as its application sees it from another thread. */
export class RemoteEngine implements Engine {
  readonly #options: RemoteEngineOptions;
  readonly #slots: RingReader;
  readonly #board: BoardReader;
  readonly #feed: CommandFeed;
  readonly #bootstraps = new Map<number, Bootstrap>();
  readonly #stopTicks: () => void;
  #bootstrapCalls = 0;
  #resets = 0;
  #isTurnDue = false;
  #end: { readonly failure: RslError | undefined } | undefined;

  /** The application has executed everything through `executedThrough`, and begins there. */
  constructor(options: RemoteEngineOptions, executedThrough: Slot) {
    this.#options = options;
    const { application, clock, limits, order, shared, timings } = options;
    this.#slots = new RingReader(shared.slots);
    this.#board = new BoardReader(shared.board);
    const ring = new RingWriter(shared.commands, () => order(bell));
    const credit = new StagingCredit(shared.staged, limits.stagedBytesMax);
    const feed = { application, ring, board: this.#board, credit, limits };
    this.#feed = new CommandFeed(feed, executedThrough);
    this.#stopTicks = clock.everyMs(timings.tickMs, () => this.#tick());
    order({ kind: 'begin', executedThrough });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  // ---- callers

  wake(): void {
    if (this.#isTurnDue || this.#end !== undefined) return;
    this.#isTurnDue = true;
    this.#options.clock.soon(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  get refusesCommands(): boolean {
    return this.#board.outlook().refusesCommands;
  }

  bootstrap(members: readonly PeerAddress[], deadlineMs: number): Promise<'formed' | 'already'> {
    const { clock, order } = this.#options;
    this.#bootstrapCalls += 1;
    const call = this.#bootstrapCalls;
    return new Promise((resolve, reject) => {
      this.#bootstraps.set(call, { resolve, reject });
      order({ kind: 'bootstrap', call, members, timeoutMs: deadlineMs - clock.nowMs() });
    });
  }

  status(): EngineStatus {
    const status = { ...this.#notice().status, counters: this.counters() };
    if (this.#end === undefined) return status;
    const { failure } = this.#end;
    const reason = failure && { code: failure.code, message: failure.message };
    const members = status.members.map((m) => ({ ...m, connected: m.id === this.#options.self }));
    return { ...status, state: 'stopped', reason, members };
  }

  counters(): Record<string, number> {
    return { ...this.#notice().status.counters, ...this.#options.counters.counts };
  }

  measures(reset: boolean): EngineMeasures {
    const { measures, resets } = this.#notice();
    const isReset = resets === this.#resets;
    if (reset) {
      this.#resets += 1;
      this.#options.order({ kind: 'reset-measures' });
    }
    return isReset ? measures : nothingMeasured;
  }

  answer(channel: number, answer: LayerAnswer): void {
    this.#options.order({ kind: 'layer-answer', channel, answer });
  }

  stop(): void {
    this.end(undefined);
  }

  // ---- the other thread

  /** Whatever the engine says beside the slots. */
  take(report: Report): void {
    switch (report.kind) {
      case 'bell':
        return this.#turn();
      case 'ready':
        for (const read of report.reads) this.#options.application.readReady(read);
        return;
      case 'layer-order':
        return this.#obey(report.channel, report.order);
      case 'installed':
        this.#options.application.installed(report.slot);
        return this.wake();
      case 'happened':
        for (const happening of report.happenings) this.#tell(happening);
        return this.#options.order({ kind: 'heard' });
      case 'bootstrapped':
        return this.#onBootstrapped(report);
      case 'stopped':
        return this.end(report.error && asRslError(revived(report.error)));
      // Who starts and ends the thread hears these.
      case 'opened':
      case 'runs':
      case 'closed':
        return;
      default:
        return unreachable(report);
    }
  }

  /** The replica ends: here at once, and the engine, which must not lead on, when it hears. */
  end(failure: RslError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { failure };
    this.#stopTicks();
    const { application } = this.#options;
    application.leading.end();
    application.close(failure);
    const why = new ClosedError('the replica ended before the group was formed');
    for (const { reject } of this.#bootstraps.values()) reject(why);
    this.#bootstraps.clear();
    this.#options.order({ kind: 'close' });
    application.emit('stopped', { error: failure });
  }

  #tick(): void {
    const { application, clock } = this.#options;
    this.#feed.forget(application.expire(clock.nowMs()));
    this.#turn();
  }

  #turn(): void {
    if (this.#end !== undefined) return;
    try {
      this.#execute();
      if (this.#end === undefined) this.#feed.goOn();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The application cannot go on (P7). */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    const failure = asRslError(error);
    this.#options.logger.error({ code: failure.code, err: failure }, 'the replica stops');
    this.end(failure);
    this.#options.failed(failure);
  }

  /** Whatever it throws ends the replica. */
  #obey(channel: number, order: LayerOrder): void {
    if (this.#end !== undefined) return;
    try {
      this.#options.application.order(channel, order);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Executes what has come, for a while. */
  #execute(): void {
    const { application, clock } = this.#options;
    const take = (_: number, bytes: Uint8Array): void => {
      const { slot, live, value } = readSlot(bytes);
      // One that was on its way when a layer loaded a later state.
      if (slot <= application.progress.executedThrough) return;
      application.execute(slot, value, live);
    };
    // A layer loads another state: what comes meanwhile is behind it, or in it.
    if (application.isLoading) return;
    const untilMs = clock.nowMs() + turnMsMax;
    do {
      while (this.#slots.read(take)) {
        if (this.#end !== undefined) return;
        if (clock.nowMs() >= untilMs) return this.wake();
      }
    } while (!this.#slots.sleep());
  }

  #tell(happening: Happening): void {
    if (this.#end !== undefined && happening.kind !== 'log') return;
    const { application, logger } = this.#options;
    switch (happening.kind) {
      case 'leading':
        return application.leading.begin(happening.ballot);
      case 'recovered':
        return application.leading.recover(happening.ballot);
      case 'ended':
        return application.leading.end();
      case 'following':
        return application.emit('following', happening.what);
      case 'configuration':
        return application.emit('configuration', happening.what);
      case 'peer':
        return application.emit('peer', happening.what);
      case 'log':
        return writeLine(logger, happening);
      default:
        return unreachable(happening);
    }
  }

  #onBootstrapped({ call, result }: Extract<Report, { kind: 'bootstrapped' }>): void {
    const waiting = this.#bootstraps.get(call);
    this.#bootstraps.delete(call);
    if (typeof result === 'string') waiting?.resolve(result);
    else waiting?.reject(revived(result));
  }

  /** There is one before it runs. */
  #notice(): Notice {
    const notice = this.#board.notice();
    if (notice === undefined) throw new ClosedError('the engine has not started');
    return notice;
  }
}

const none = new Quantity().distribution();
const nothingMeasured = { appendUs: none, decideUs: none, turnDelayUs: none, turnUs: none };

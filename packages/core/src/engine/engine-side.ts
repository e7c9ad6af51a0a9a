import { asRslError } from '../host/as-rsl-error.ts';
import type { Host } from '../host/host.ts';
import { type Measures, measuresOf } from '../host/measures.ts';
import { Quantity } from '../host/quantity.ts';
import {
  engineOf,
  type EnginePorts,
  type Opened,
  openPorts,
  startEngine,
} from '../host/open-engine.ts';
import type { Restored } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import type { PortContext } from '../ports/port.ts';
import type { Random } from '../ports/random.ts';
import type { RslError } from '../errors.ts';
import { unreachable } from '../unreachable.ts';
import { BoardWriter } from './board.ts';
import { Happenings } from './happenings.ts';
import { portable } from './portable-error.ts';
import { loggerTo } from './remote-logger.ts';
import { RemoteApplication } from './remote-application.ts';
import { RingReader, RingWriter } from './ring.ts';
import { SlotFeed } from './slot-feed.ts';
import { bell, type EngineThreadData, type Order, type Report } from './words.ts';

export interface EngineSideOptions {
  readonly data: Omit<EngineThreadData, 'layers' | 'log' | 'port' | 'transport'>;
  readonly ports: EnginePorts;
  readonly clock: Clock;
  readonly random: Random;
  readonly say: (report: Report) => void;
}

const none = new Quantity().distribution();

/** How old the status is, at most, that callers see, and what was measured. */
const noticeMs = 20;
const measuresMs = 200;

/** An engine, and the stand-in of its application: all that is on the engine's thread. */
export class EngineSide {
  readonly #options: EngineSideOptions;
  readonly #context: PortContext;
  readonly #measures: Measures;
  readonly #happenings: Happenings;
  readonly #application: RemoteApplication;
  readonly #board: BoardWriter;
  readonly #stopTicks: () => void;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #feed: SlotFeed | undefined;
  #host: Host | undefined;
  /** Its application has opened its state machine, and takes slots. */
  #hasBegun = false;
  /** It takes part once these slots are executed. */
  #replayThrough: Slot = 0;
  #runs = false;
  #resets = 0;
  #noticeAtMs = 0;
  #measuredAtMs = -Infinity;
  #measured = { appendUs: none, decideUs: none, turnDelayUs: none, turnUs: none };
  #closing: Promise<void> | undefined;

  constructor(options: EngineSideOptions) {
    this.#options = options;
    const { data, ports, clock, random, say } = options;
    const { group, self, limits, timings, shared } = data;
    this.#happenings = new Happenings((happenings) => say({ kind: 'happened', happenings }));
    const logger = loggerTo((happening) => this.#happenings.add(happening));
    this.#context = { group, self, limits, clock, random, logger };
    this.#measures = measuresOf(data, clock, logger);
    this.#board = new BoardWriter(shared.board);
    this.#application = new RemoteApplication({
      epoch: data.epoch,
      commands: new RingReader(shared.commands),
      staged: shared.staged,
      feed: () => this.#feed as SlotFeed,
      happened: (happening) => {
        this.#happenings.add(happening);
        this.#host?.wake();
      },
      ready: (reads) => say({ kind: 'ready', reads }),
      isLayered: ports.layers.length > 0,
      ordered: (channel, order) => say({ kind: 'layer-order', channel, order }),
      installed: (slot) => say({ kind: 'installed', slot }),
      turnEnded: () => this.#turnEnded(),
      stopped: (failure) => this.#stopped(failure),
    });
    this.#stopTicks = clock.everyMs(timings.tickMs, () => this.#tick());
  }

  /** Opens log and transport, and says so; or says why not, and ends. */
  async open(): Promise<void> {
    const { data, ports, say } = this.#options;
    try {
      this.#opening = openPorts(ports, this.#context);
      const opened = await this.#opening;
      this.#opened = opened;
      const { restored, info, membership } = opened.remembered;
      this.#feed = this.#feedOf(opened);
      const { timings, peers, lease, epoch } = data;
      const parts = { ...this.#measures, application: this.#application };
      this.#host = engineOf({ timings, peers, lease, epoch }, this.#context, opened, parts);
      this.#happenings.flush();
      const { firstSlot, decidedThrough } = restored;
      const { founding, group } = membership ?? {};
      say({ kind: 'opened', store: info.store, group, founding, firstSlot, decidedThrough });
    } catch (error) {
      this.#failed(error);
      await this.close();
    }
  }

  /** Whatever its application wants of it beside the commands. */
  take(order: Order): void {
    try {
      this.#obey(order);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Ends what runs, closes log and transport; a second call waits too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #obey(order: Order): void {
    switch (order.kind) {
      case 'bell':
        return this.#takeIn();
      case 'begin': {
        this.#begin(order.executedThrough, (this.#opened as Opened).remembered.restored);
        return this.#takeIn();
      }
      case 'founded':
        return this.#host?.foundOn(order.on);
      case 'layer-answer':
        return this.#host?.answer(order.channel, order.answer);
      case 'heard':
        return this.#happenings.heard();
      case 'bootstrap':
        return this.#bootstrap(order);
      case 'reset-measures':
        this.#resets += 1;
        this.#measuredAtMs = -Infinity;
        this.#measures.metrics.snapshot({}, true);
        return;
      case 'close':
        void this.close();
        return;
      default:
        return unreachable(order);
    }
  }

  #begin(executedThrough: Slot, { decidedThrough, firstSlot }: Restored): void {
    this.#hasBegun = true;
    this.#application.progress.executedThrough = executedThrough;
    // Without a state nothing is replayed: what is to come follows the one that is loaded.
    const isStateless = executedThrough < firstSlot - 1;
    this.#replayThrough = isStateless ? executedThrough : decidedThrough;
    this.#feed?.begin(executedThrough, this.#replayThrough);
  }

  #takeIn(): void {
    const isNew = this.#application.takeIn();
    const opened = this.#opened;
    const host = this.#host;
    if (this.#runs) {
      if (isNew) host?.wake();
    } else if (this.#hasBegun && opened !== undefined && host !== undefined) {
      const { executedThrough } = this.#application.progress;
      if (executedThrough >= this.#replayThrough) this.#run(host, opened);
    }
  }

  #run(host: Host, opened: Opened): void {
    this.#runs = true;
    startEngine(host, this.#context, opened, this.#options.data.epoch);
    this.#show();
    this.#options.say({ kind: 'runs' });
  }

  #feedOf({ log }: Opened): SlotFeed {
    const { data, say } = this.#options;
    return new SlotFeed({
      ring: new RingWriter(data.shared.slots, () => say(bell)),
      log,
      readBytesMax: data.limits.partBytesMax,
      whenDurable: (run) => (this.#runs ? this.#host?.whenDurable(run) : run()),
      failed: (error) => this.#failed(error),
    });
  }

  #bootstrap({ call, members, timeoutMs }: Extract<Order, { kind: 'bootstrap' }>): void {
    const { clock, say } = this.#options;
    const answer = (result: Extract<Report, { kind: 'bootstrapped' }>['result']): void =>
      say({ kind: 'bootstrapped', call, result });
    this.#host
      ?.bootstrap(members, clock.nowMs() + timeoutMs)
      .then(answer, (error: unknown) => answer(portable(error)));
  }

  // ---- what it shows

  #tick(): void {
    try {
      this.#takeIn();
      this.#feed?.goOn();
      if (this.#runs && this.#options.clock.nowMs() - this.#noticeAtMs >= noticeMs) this.#show();
    } catch (error) {
      this.#failed(error);
    }
    this.#happenings.flush();
  }

  #turnEnded(): void {
    this.#showOutlook();
    if (this.#happenings.waiting === 0) return;
    // Whoever hears of it and looks at the status sees it.
    this.#show();
    this.#happenings.flush();
  }

  #show(): void {
    const host = this.#host as Host;
    const { metrics } = this.#measures;
    this.#showOutlook();
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#measuredAtMs >= measuresMs) {
      this.#measuredAtMs = nowMs;
      const { appendUs, decideUs, turnDelayUs, turnUs } = metrics.snapshot({}, false);
      this.#measured = { appendUs, decideUs, turnDelayUs, turnUs };
    }
    const status = host.status();
    const { reads = 0 } = this.#feed ?? {};
    const counters = {
      ...status.counters,
      readsForTheApplication: reads,
      segmentsDropped: this.#application.commands.dropped,
      linesLeftOut: this.#happenings.leftOut,
    };
    const shown = { status: { ...status, counters }, measures: this.#measured };
    if (this.#board.showNotice({ ...shown, resets: this.#resets })) this.#noticeAtMs = nowMs;
  }

  #showOutlook(): void {
    const host = this.#host as Host;
    const view = host.protocol?.view;
    const ballot = view?.role === 'phase2' ? view.ballot : view?.leader?.ballot;
    this.#board.showOutlook({ ballot, refusesCommands: host.refusesCommands });
  }

  // ---- the end

  #failed(error: unknown): void {
    const failure = asRslError(error);
    if (this.#runs && this.#host !== undefined) this.#host.fail(failure);
    else this.#stopped(failure);
  }

  #stopped(failure: RslError | undefined): void {
    if (this.#runs) this.#show();
    this.#feed?.end();
    this.#happenings.end();
    this.#options.say({
      kind: 'stopped',
      error: failure === undefined ? undefined : portable(failure),
    });
  }

  async #close(): Promise<void> {
    if (this.#runs) this.#host?.stop();
    this.#feed?.end();
    this.#stopTicks();
    // What is being opened has to be there to be closed.
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.close();
    this.#happenings.end();
    this.#options.say({ kind: 'closed' });
  }
}

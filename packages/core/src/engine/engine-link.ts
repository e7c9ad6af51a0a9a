import type { RslError } from '../errors.ts';
import { asRslError } from '../host/as-rsl-error.ts';
import type { Logger } from '../ports/logger.ts';
import { EngineFailedError } from './engine-failed-error.ts';
import { revived } from './portable-error.ts';
import type { RemoteEngine } from './remote-engine.ts';
import { writeLine } from './remote-logger.ts';
import type { Order, Report } from './words.ts';

export type OpenedReport = Extract<Report, { kind: 'opened' }>;

/** What carries words to an engine elsewhere. */
export interface Carrier {
  post(order: Order): void;
  /** Log and transport are closed: nothing of it need stay. */
  end(): void;
}

/** An engine elsewhere, from its start to its end. */
export class EngineLink {
  readonly #carrier: Carrier;
  readonly #logger: Logger;
  /** Its ports are open. */
  readonly opened: Promise<OpenedReport>;
  /** It takes part in its group. */
  readonly runs: Promise<void>;
  readonly #gone: Promise<void>;
  #onOpened!: (report: OpenedReport) => void;
  #onRuns!: () => void;
  #onFailed!: (error: RslError) => void;
  #onGone!: () => void;
  #engine: RemoteEngine | undefined;
  #failure: RslError | undefined;
  #isClosing = false;
  #isGone = false;

  constructor(carrier: Carrier, logger: Logger) {
    this.#carrier = carrier;
    this.#logger = logger;
    const failed = new Promise<never>((_, reject) => (this.#onFailed = reject));
    const opened = new Promise<OpenedReport>((resolve) => (this.#onOpened = resolve));
    const runs = new Promise<void>((resolve) => (this.#onRuns = resolve));
    this.#gone = new Promise((resolve) => (this.#onGone = resolve));
    this.opened = Promise.race([opened, failed]);
    this.runs = Promise.race([runs, failed]);
    // Whoever starts it awaits one of them at a time.
    for (const each of [failed, this.opened, this.runs]) each.catch(() => undefined);
  }

  /** From now on the engine hears what is said. */
  give(engine: RemoteEngine): void {
    this.#engine = engine;
    if (this.#failure !== undefined) engine.end(this.#failure);
  }

  order(order: Order): void {
    if (!this.#isGone) this.#carrier.post(order);
  }

  /** Resolves once log and transport are closed and nothing of it is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.order({ kind: 'close' });
    await this.#gone;
  }

  // ---- what the carrier brings

  take(report: Report): void {
    if (report.kind === 'opened') return this.#onOpened(report);
    if (report.kind === 'runs') return this.#onRuns();
    if (report.kind === 'closed') return this.#carrier.end();
    if (report.kind === 'stopped' && report.error !== undefined)
      this.#onFailed(asRslError(revived(report.error)));
    if (this.#engine !== undefined) return this.#engine.take(report);
    if (report.kind !== 'happened') return;
    for (const happening of report.happenings)
      if (happening.kind === 'log') writeLine(this.#logger, happening);
    this.order({ kind: 'heard' });
  }

  /** It cannot be started. */
  failed(error: RslError): void {
    this.#onFailed(error);
  }

  /** It ended by itself, and says no more. */
  died(cause: unknown): void {
    if (this.#isClosing || this.#failure !== undefined) return;
    this.#failure = new EngineFailedError(cause);
    this.#onFailed(this.#failure);
    if (this.#engine === undefined || this.#engine.hasEnded) return;
    const { code } = this.#failure;
    this.#logger.error({ code, err: this.#failure }, 'the replica stops');
    this.#engine.end(this.#failure);
  }

  /** Nothing of it is left. */
  gone(): void {
    this.#isGone = true;
    this.died(new Error('its thread has ended'));
    this.#onGone();
  }
}

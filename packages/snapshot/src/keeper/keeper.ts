import { invariant } from '@rsl/contracts';
import { DivergedError } from '@rsl/core';
import {
  type BesideHost,
  type BesideLayer,
  type LayerOrder,
  type Membership,
  nowhere,
  type PortContext,
  type Slot,
  type SnapshotMeta,
  type SnapshotReader,
  type SnapshotStore,
  type Value,
} from '@rsl/core/protocol';
import { asError, codeOf } from '../failures.ts';
import type { Answer, Order } from '../words.ts';
import { Copying } from './copying.ts';
import { Governing } from './governing.ts';
import { Kept } from './kept.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { isCorrupt, Loading } from './loading.ts';
import { Teller } from './progress.ts';
import { Readers } from './readers.ts';
import { SavePolicy } from './save-policy.ts';
import { Saver, type Saved } from './saver.ts';

/** Orders that wait; the layer has fewer out at any time. */
const ordersMax = 4_096;

/** What waits for no medium. */
type Noted = Extract<Order, { kind: 'governs' | 'leads' | 'unserved' | 'wanted' }>;

const notedKinds: ReadonlySet<Order['kind']> = new Set(['governs', 'leads', 'unserved', 'wanted']);

const waits = (order: Order): order is Exclude<Order, Noted> => !notedKinds.has(order.kind);

/** Bytes that are executed again at a start are told so many at a time. */
const replayedBytes = 1024 * 1024;

/** What a keeper is made of once it has begun. */
interface Parts {
  readonly host: BesideHost;
  readonly kept: Kept;
  readonly saver: Saver;
  readonly loading: Loading;
  readonly readers: Readers;
  readonly copying: Copying;
  readonly teller: Teller;
}

/**
 * The half of the snapshot layer beside the state machine. It owns the store: saves right behind
 * the slot after which a snapshot is due, loads at the start, and does what the layer orders, one
 * thing after the other; answers come in the order of the orders.
 */
export class Keeper implements BesideLayer {
  readonly #store: SnapshotStore;
  readonly #options: KeeperOptions;
  readonly #context: PortContext;
  readonly #policy: SavePolicy;
  readonly #governing = new Governing();
  #parts: Parts | undefined;
  #orders: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Nothing was loaded at the start, and the log does not have everything (S6). */
  #isStateless = false;
  /** The start has tried them: what is listed is what it has left. */
  #hasLoaded = false;
  #closing: Promise<void> | undefined;
  /** Executed again at this start, and not told; undefined once the other half runs. */
  #replayed: number | undefined = 0;

  constructor(store: SnapshotStore, options: KeeperOptions, context: PortContext) {
    this.#store = store;
    this.#options = options;
    this.#context = context;
    this.#policy = new SavePolicy(options);
  }

  // ---- the replica

  async begin(host: BesideHost, firstSlot: Slot): Promise<'stateless' | void> {
    const parts = this.#partsFor(host);
    this.#parts = parts;
    const found = await parts.loading.newest(firstSlot, host);
    // Whoever is in no group has nobody to ask.
    if (found.kind === 'stateless' && host.group === undefined) throw found.error;
    if (found.kind === 'loaded') this.#isAt(found.meta, host);
    const left = await parts.kept.store.left();
    this.#hasLoaded = true;
    this.#answer({ kind: 'snapshots', snapshots: parts.kept.metas, left });
    if (found.kind !== 'stateless') return;
    this.#isStateless = true;
    return 'stateless';
  }

  executed(slot: Slot, value: Value): void {
    const { host, saver } = this.#begun;
    this.#countReplayed(slot, value.bytes.length);
    this.#policy.executed(slot, value.bytes.length, host.state.timeMs);
    this.#governing.executed(slot, value);
    saver.consider();
  }

  order(order: LayerOrder): void {
    const what = order as Order;
    this.#replayed = undefined;
    if (!waits(what)) return this.#note(what);
    this.#waiting += 1;
    invariant(() => this.#waiting <= ordersMax, 'keeper-1 the orders that wait are bounded');
    this.#orders = this.#orders
      .then(() => (this.#closing === undefined ? this.#obey(what) : undefined))
      .catch((cause: unknown) => this.#begun.host.fail(asError(cause)))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // ---- the operator

  /** Saves the state right behind the last slot; waits until there is one. */
  saveNow(): Promise<Saved> {
    return this.#begun.saver.saveNow();
  }

  stopSaving(): void {
    this.#policy.stop(true);
    this.#parts?.saver.stop();
  }

  allowSaving(): void {
    this.#policy.stop(false);
    this.#parts?.saver.consider();
  }

  /** It has begun, and was not closed. */
  get isRunning(): boolean {
    return this.#parts !== undefined && this.#closing === undefined;
  }

  get snapshots(): readonly SnapshotMeta[] {
    return this.#parts?.kept.metas ?? [];
  }

  open(meta: SnapshotMeta): Promise<SnapshotReader> {
    return this.#store.open(meta);
  }

  // ---- inside

  get #begun(): Parts {
    if (this.#parts === undefined) throw new Error('a keeper was used before it had begun');
    return this.#parts;
  }

  #partsFor(host: BesideHost): Parts {
    const { clock, logger } = this.#context;
    const { keep, onProgress, readersMax, saveAgainMs, saveBytesPerSecondMax } = this.#options;
    const teller = new Teller(onProgress, logger);
    const kept = new Kept(this.#store, keep, logger, teller, (snapshots) =>
      this.#tellOf(snapshots),
    );
    const { state } = host;
    const fail = (error: Error): void => host.fail(error);
    const policy = this.#policy;
    const governing = this.#governing;
    return {
      host,
      kept,
      saver: new Saver({
        governing,
        kept,
        policy,
        state,
        saveAgainMs,
        saveBytesPerSecondMax,
        clock,
        logger,
        teller,
        common: ({ digest, layout, slot }) =>
          this.#answer({ kind: 'common', slot, layout, digest }),
        fail,
      }),
      loading: new Loading({ kept, state, logger, teller }),
      readers: new Readers(kept, readersMax),
      copying: new Copying(kept, teller),
      teller,
    };
  }

  /** Not before one is loaded: of those that are found bad one after the other the log would go. */
  #tellOf(snapshots: readonly SnapshotMeta[]): void {
    if (this.#hasLoaded) this.#answer({ kind: 'snapshots', snapshots });
  }

  #answer(answer: Answer): void {
    if (this.#closing === undefined) this.#begun.host.answer(answer);
  }

  #onGoverns(word: Order & { kind: 'governs' }): void {
    this.#governing.said(word);
    this.#stagger(word.membership);
    this.#begun.saver.consider();
  }

  #onLeads(leads: boolean): void {
    this.#policy.leads(leads);
    this.#begun.saver.consider();
  }

  #note(what: Noted): void {
    switch (what.kind) {
      case 'governs':
        return this.#onGoverns(what);
      case 'leads':
        return this.#onLeads(what.leads);
      case 'wanted':
        return this.#onWanted(what.need);
      case 'unserved':
        return this.#onUnserved(what.need);
    }
  }

  #onWanted(need: Slot): void {
    const { kept, saver } = this.#begun;
    if (kept.metas.some(({ slot }) => slot >= need)) return;
    this.#policy.missing();
    saver.consider();
  }

  #onUnserved(need: Slot): void {
    const what = 'no peer gives a snapshot with this slot; asking goes on: look after the others';
    this.#context.logger.warn({ need }, what);
    this.#begun.teller.tell({ kind: 'unserved', need });
  }

  #stagger({ members }: Membership): void {
    const ids = members.map(({ id }) => id).sort((a, b) => a - b);
    this.#policy.stagger(Math.max(0, ids.indexOf(this.#context.self)), Math.max(1, ids.length));
  }

  /** The state is the one of this snapshot. */
  #isAt({ digest, membership, slot }: SnapshotMeta, host: BesideHost): void {
    const isFounding = membership.number === nowhere.number;
    this.#governing.loaded(slot, isFounding ? undefined : membership);
    this.#policy.saved(slot, host.state.timeMs);
    if (!isFounding) return this.#stagger(membership);
    host.founded({ slot, digest });
    // It says of no group that it is its state, so that nobody else can be given it.
    this.#policy.missing();
  }

  async #obey(order: Exclude<Order, Noted>): Promise<void> {
    const { copying, readers } = this.#begun;
    switch (order.kind) {
      case 'read':
        return this.#read(order);
      case 'release':
        return readers.release(order.digest);
      case 'copy':
        return this.#answer(await copying.copy(order.meta, order.ticket));
      case 'write':
        return this.#answerIf(await copying.write(order.bytes));
      case 'commit':
        return this.#commit();
      case 'leave':
        return copying.leave();
      case 'diverged':
        return this.#onDiverged(order);
      case 'install':
        return this.#install(order.meta);
    }
  }

  #countReplayed(slot: Slot, bytes: number): void {
    if (this.#replayed === undefined) return;
    this.#replayed += bytes;
    if (this.#replayed < replayedBytes) return;
    this.#answer({ kind: 'replayed', slot, bytes: this.#replayed });
    this.#replayed = 0;
  }

  /** What it has saved leads every start back to where it is: another state has to come (P7). */
  async #onDiverged({ others, slot, verdict }: Order & { kind: 'diverged' }): Promise<void> {
    const { host, kept, saver, teller } = this.#begun;
    const { logger } = this.#context;
    const error = new DivergedError(slot, verdict, others);
    const stops = verdict === 'here' && this.#options.onDiverged === 'stop';
    const level = this.#options.onDiverged === 'stop' ? 'error' : 'warn';
    logger[level]({ err: error, code: error.code, slot, verdict, others }, 'states have diverged');
    teller.tell({ kind: 'diverged', slot, verdict, others, error });
    if (!stops) return;
    await saver.hold();
    for (const meta of kept.metas) await kept.condemn(meta, error);
    host.fail(error);
  }

  #answerIf(answer: Answer | undefined): void {
    if (answer !== undefined) this.#answer(answer);
  }

  async #read(order: Order & { kind: 'read' }): Promise<void> {
    const { digest, ticket } = order;
    const { readers } = this.#begun;
    try {
      this.#answer({ kind: 'read', ticket, bytes: await readers.read(order) });
    } catch (error) {
      this.#answer({ kind: 'unreadable', ticket, code: codeOf(error) });
      const meta = readers.metaOf(digest);
      const isGone = codeOf(error) === 'RSL_SNAPSHOT_GONE';
      if (meta === undefined || !(isGone || isCorrupt(error))) return;
      await readers.release(digest);
      await this.#lose(meta, isGone ? undefined : asError(error));
    }
  }

  /** One that is no good is soon replaced: the state itself is. */
  async #lose(meta: SnapshotMeta, error: Error | undefined): Promise<void> {
    const { kept } = this.#begun;
    const isNewest = kept.metas[0]?.digest === meta.digest;
    if (error !== undefined) await kept.condemn(meta, error);
    // An older one may just have been discarded; nobody does that with the newest.
    else if (isNewest) await kept.lost(meta);
    if (!isNewest) return;
    this.#policy.missing();
    this.#begun.saver.consider();
  }

  async #commit(): Promise<void> {
    const { copying, kept } = this.#begun;
    const answer = await copying.commit();
    this.#answerIf(answer);
    if (answer?.kind === 'copied') await kept.added();
  }

  async #install({ digest }: SnapshotMeta): Promise<void> {
    const { host, kept, loading, saver } = this.#begun;
    const meta = kept.find(digest);
    if (meta === undefined) {
      return this.#answer({ kind: 'install-failed', code: 'RSL_SNAPSHOT_GONE' });
    }
    await saver.hold();
    try {
      // What was there before this start may be what could not be loaded at it.
      await loading.install(meta, this.#isStateless ? 'verify' : 'verified');
    } catch (cause) {
      const error = asError(cause);
      // Half of it may be in the state machine: nothing may be executed on that any more.
      if (codeOf(error) === 'RSL_LOAD_FAILED') return host.fail(error);
      // A medium may read again what it does not now; this may be the last one that is here.
      if (codeOf(error) !== 'RSL_STORAGE_FAILED') await kept.condemn(meta, error);
      this.#answer({ kind: 'install-failed', code: codeOf(error) });
      return saver.release();
    }
    this.#isStateless = false;
    this.#isAt(meta, host);
    this.#answer({ kind: 'installed', slot: meta.slot, membership: meta.membership });
    saver.release();
  }

  async #close(): Promise<void> {
    const { logger } = this.#context;
    const parts = this.#parts;
    try {
      await parts?.saver.close();
      await this.#orders;
      await parts?.copying.leave();
      await parts?.readers.close();
    } catch (err) {
      logger.warn({ err }, 'snapshots did not close well');
    } finally {
      await this.#store.close();
    }
  }
}

/** A replica without its engine: a state machine, a log, and the keeper beside them. */
import type {
  Clock,
  Logger,
  Membership,
  Port,
  ReplicaId,
  Slot,
  SnapshotMeta,
  SnapshotStore,
  StateMachine,
  Value,
} from '@rsl/core/protocol';
import { LoneLog, LoneMachine, type MemoryShelf, memorySnapshots } from '@rsl/core/testing';
import { Keeper } from '../src/keeper/keeper.ts';
import { completeKeeperOptions, type KeeperOptions } from '../src/keeper/keeper-options.ts';
import type { Progress } from '../src/keeper/progress.ts';
import type { Answer, Order } from '../src/words.ts';
import { contextOf } from './stage.ts';

export const membershipOf = (members: number, number = 1): Membership => ({
  group: 'feedfacefeedface',
  number,
  firstSlot: 1,
  members: Array.from({ length: members }, (_, i) => ({
    id: i + 1,
    store: String(i + 1).padStart(16, '0'),
    role: 'voter' as const,
    addresses: { tcp: `host${i + 1}:1` },
  })),
  previous: [],
});

export class TestClock implements Clock {
  ms = 0;
  nowMs = (): number => this.ms;
  wallMs = (): number => this.ms;
  readonly #ticks = new Map<() => void, { dueMs: number; readonly periodMs: number }>();
  everyMs = (periodMs: number, tick: () => void): (() => void) => {
    this.#ticks.set(tick, { dueMs: this.ms + periodMs, periodMs });
    return () => void this.#ticks.delete(tick);
  };
  soon = (run: () => void): void => void setImmediate(run);

  get waiting(): number {
    return this.#ticks.size;
  }

  /** Whoever waits for a time that has come is told, once. */
  pass(ms: number): void {
    this.ms += ms;
    for (const [tick, due] of this.#ticks) {
      if (due.dueMs > this.ms) continue;
      due.dueMs = this.ms + due.periodMs;
      tick();
    }
  }
}

export interface StageOptions extends Partial<KeeperOptions> {
  readonly self?: ReplicaId;
  readonly store?: Port<SnapshotStore>;
  /** That the log belongs to; the one of `membershipOf` unless given. */
  readonly group?: string | undefined;
}

/** Gives everything that is under way a turn. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class Stage<M extends StateMachine> {
  readonly machine: M;
  readonly lone: LoneMachine;
  readonly clock = new TestClock();
  readonly answers: Answer[] = [];
  readonly failures: Error[] = [];
  readonly progress: Progress[] = [];
  readonly warnings: string[] = [];
  readonly log: LoneLog;
  membership: Membership = membershipOf(1);
  #keeper: Keeper | undefined;
  #hasTold = false;
  /** What its last start said. */
  begun: 'stateless' | void = undefined;

  constructor(machine: M, log = new LoneLog()) {
    this.machine = machine;
    this.log = log;
    this.lone = new LoneMachine(machine, log);
  }

  get keeper(): Keeper {
    if (this.#keeper === undefined) throw new Error('not started');
    return this.#keeper;
  }

  async start(shelf: MemoryShelf, options: StageOptions = {}): Promise<this> {
    const { self = 1, store = memorySnapshots(shelf), group: _, ...rest } = options;
    const note = (_: object, message: string): void => void this.warnings.push(message);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
    const context = { ...contextOf(), self, clock: this.clock, logger };
    const onProgress = (what: Progress): void => void this.progress.push(what);
    const complete = completeKeeperOptions({ onProgress, ...noPolicy, ...rest });
    const keeper = new Keeper(await store.open(context), complete, context);
    this.#keeper = keeper;
    const host = {
      state: this.lone.state,
      group: 'group' in options ? options.group : this.membership.group,
      founding: undefined,
      founded: () => {},
      answer: (answer: object) => void this.answers.push(answer as Answer),
      fail: (error: Error) => void this.failures.push(error),
    };
    try {
      await this.lone.start({
        begin: async (firstSlot: Slot) => (this.begun = await keeper.begin(host, firstSlot)),
        executed: (slot: Slot, value: Value) => keeper.executed(slot, value),
      });
    } catch (error) {
      await keeper.close();
      throw error;
    }
    return this;
  }

  /** Which membership governs is said before the first slot, as the layer does. */
  execute(...commands: readonly string[]): Slot {
    if (!this.#hasTold) this.govern(this.membership);
    return this.lone.execute(...commands);
  }

  govern(membership: Membership): void {
    this.#hasTold = true;
    this.order({ kind: 'governs', from: this.log.lastSlot + 1, membership });
  }

  order(order: Order): void {
    this.keeper.order(order);
  }

  /** So many slots of one command each, each with a turn, so that saves go on beside them. */
  async run(slots: number, commandOf = (i: number): string => `${i % 50}=${i}`): Promise<void> {
    for (let i = 1; i <= slots; i += 1) {
      this.execute(commandOf(this.log.lastSlot + 1));
      await turn();
    }
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let i = 0; i < 20_000; i += 1) {
      if (isSo()) return;
      await turn();
    }
    throw new Error(`never: ${what}`);
  }

  answersOf<K extends Answer['kind']>(kind: K): (Answer & { kind: K })[] {
    return this.answers.filter((one): one is Answer & { kind: K } => one.kind === kind);
  }

  /** The answer to this order: the next one of that kind, or of another that says why not. */
  async answer<K extends Answer['kind']>(order: Order, ...kinds: readonly K[]) {
    const from = this.answers.length;
    this.order(order);
    const isIt = (one: Answer): boolean => (kinds as readonly string[]).includes(one.kind);
    await this.until(kinds.join(), () => this.answers.slice(from).some(isIt));
    return this.answers.slice(from).find(isIt) as Answer & { kind: K };
  }

  get slots(): Slot[] {
    return this.keeper.snapshots.map(({ slot }) => slot);
  }

  async close(): Promise<void> {
    await this.#keeper?.close();
  }

  /** The whole copy of a peer's snapshot, committed here. */
  async copyFrom(source: Stage<StateMachine>, meta: SnapshotMeta): Promise<void> {
    const { digest } = meta;
    const bytesMax = 5_000;
    await this.answer({ kind: 'copy', meta, ticket: 1 }, 'copying');
    for (let offset = 0; offset < meta.bytes; offset += bytesMax) {
      const read = { kind: 'read', digest, offset, bytesMax, ticket: offset } as const;
      const { bytes } = await source.answer(read, 'read');
      await this.answer({ kind: 'write', bytes }, 'written');
    }
    await this.answer({ kind: 'commit' }, 'copied');
    source.order({ kind: 'release', digest });
  }
}

/** A test turns on what it is about. */
const noPolicy = { everySlots: 0, everyBytes: 0, everyMs: 0, saveBytesPerSecondMax: 0 };

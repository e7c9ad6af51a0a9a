import {
  ClosedError,
  defaultLimits,
  type ManyResults,
  type Relay,
  type ReadLevel,
  type Replica,
  type ReplicaMetrics,
  type ReplicaStatus,
  type RslError,
  type StateMachine,
} from '@rsl/core';

type Proposal = { readonly commands: readonly Uint8Array[]; readonly results: ManyResults };

/**
 * A group of one that needs neither log nor network: executes what is proposed in the next turn,
 * in order. `hold` keeps everything waiting, `failNext` makes the next call fail.
 */
export class FakeReplica implements Replica {
  readonly id = 1;
  readonly limits = defaultLimits;
  /** Group time; moves only when a test says so. */
  timeMs = 1_700_000_000_000;
  /** Proposals and barriers so far. */
  readonly calls: ('propose' | ReadLevel)[] = [];
  readonly #machine: StateMachine;
  #slot = 0;
  #isHeld = false;
  #isScheduled = false;
  #failures: RslError[] = [];
  #waiting: (() => void)[] = [];

  constructor(machine: StateMachine) {
    this.#machine = machine;
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#schedule();
  }

  failNext(error: RslError): void {
    this.#failures.push(error);
  }

  /** A batch without commands at a later time. */
  passTime(byMs: number): void {
    this.timeMs += byMs;
    this.#execute([]);
  }

  /** Executes one command without waiting for a turn. */
  executeNow(command: Uint8Array): Uint8Array {
    return this.#execute([command])[0] as Uint8Array;
  }

  openSession(): never {
    throw new Error('it has no sessions');
  }

  get relay(): Relay {
    throw new Error('it has no sessions');
  }

  async propose(command: Uint8Array): Promise<Uint8Array> {
    return await new Promise((resolve, reject) => {
      this.proposeMany([command], {
        result: (_, bytes) => resolve(bytes),
        error: (_, e) => reject(e),
      });
    });
  }

  proposeMany(commands: readonly Uint8Array[], results: ManyResults): void {
    this.calls.push('propose');
    const failure = this.#failures.shift();
    if (failure?.code === 'RSL_OVERLOADED') throw failure;
    this.#waiting.push(() => {
      if (failure === undefined) this.#answer({ commands, results });
      else for (const i of commands.keys()) results.error(i, failure);
    });
    this.#schedule();
  }

  async barrier(level: ReadLevel): Promise<number> {
    this.calls.push(level);
    const failure = this.#failures.shift();
    return await new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        if (failure === undefined) resolve(this.#slot);
        else reject(failure);
      });
      this.#schedule();
    });
  }

  get executedThrough(): number {
    return this.#slot;
  }

  executed(): AsyncIterable<never> {
    throw new ClosedError('the fake keeps nothing that it has executed');
  }

  async bootstrap(): Promise<'formed' | 'already'> {
    return 'already';
  }

  status(): ReplicaStatus {
    const addresses = { tcp: '127.0.0.1:7001' };
    const store = '0000000000000001';
    return {
      group: 'fake',
      self: 1,
      store,
      state: 'leader',
      reason: undefined,
      asleep: false,
      leader: 1,
      ballot: { configuration: 1, round: 1, proposer: 1 },
      configuration: 1,
      members: [{ id: 1, store, role: 'voter', addresses, connected: true }],
      firstSlot: 1,
      releasedThrough: this.#slot,
      executedThrough: this.#slot,
      timeMs: this.timeMs,
      pendingCommands: this.#waiting.length,
      pendingBytes: 0,
      log: { mode: 'none', bytesUsed: 0, bytesFree: 0 },
      counters: {},
    };
  }

  metrics({ reset = false } = {}): ReplicaMetrics {
    const none = { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    return {
      overMs: reset ? 1 : 2,
      counters: {},
      commandUs: none,
      decideUs: none,
      appendUs: none,
      executeUs: none,
      turnUs: none,
      turnDelayUs: none,
      batchCommands: none,
      batchBytes: none,
    };
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }

  async close(): Promise<void> {
    const error = new ClosedError('the fake was closed');
    this.#failures.push(error);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isHeld) return;
      for (const run of this.#waiting.splice(0)) run();
    });
  }

  #answer({ commands, results }: Proposal): void {
    for (const [i, bytes] of this.#execute(commands).entries()) results.result(i, bytes);
  }

  #execute(commands: readonly Uint8Array[]): Uint8Array[] {
    const ends: number[] = [];
    for (const command of commands) ends.push((ends.at(-1) ?? 0) + command.length);
    const pushed: Uint8Array[] = [];
    this.#machine.execute(
      {
        slot: ++this.#slot,
        timeMs: this.timeMs,
        live: true,
        count: commands.length,
        bytes: Buffer.concat(commands),
        start: (i) => ends[i - 1] ?? 0,
        end: (i) => ends[i] ?? 0,
        session: () => undefined,
      },
      { wanted: () => true, push: (result) => pushed.push(result) },
    );
    return pushed;
  }
}

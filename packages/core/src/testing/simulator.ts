import { crc32 } from 'node:zlib';
import type { RslError } from '../errors.ts';
import type { Limits, Timings } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import { AgreementChecker, check, CheckFailed, OutcomeChecker, ReadChecker } from './checkers.ts';
import { DigestMachine, type Executed } from './digest-machine.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { SeededRandom } from './seeded-random.ts';
import { drawnMix, type Mix } from './sim-mix.ts';
import type { SimulationReport } from './sim-report.ts';
import { memoryAddress, SimProcess } from './sim-process.ts';
import { SimWorld } from './sim-world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Members; 3 or 5 by the seed unless given. */
  readonly replicas?: number;
  /** How long faults go on, in simulated time; then everything must work again. */
  readonly chaosMs?: number;
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
}

const commandTimeoutMs = 4_000;

/** 1a, 1b and 2b on the wire: what must be durable before it leaves. */
const revealing = new Set([1, 2, 4]);

/**
 * A whole group with the production host, protocol and codec on simulated time, network and disks.
 * One seed gives one trace. First faults, then health: whatever happened, the group must work
 * again, nothing acknowledged may be missing, and nothing is executed twice.
 */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly world = new SimWorld();
  readonly #random: SeededRandom;
  readonly #mix: Mix;
  readonly network: MemoryNetwork;
  readonly processes: SimProcess[] = [];
  readonly #agreement = new AgreementChecker();
  readonly #outcomes = new OutcomeChecker();
  readonly #reads = new ReadChecker();
  readonly faults: Record<string, number> = {};
  readonly #cuts = new Map<string, number>();
  readonly #stalls = new Map<ReplicaId, number>();
  #lossy = true;
  #hash = 0;
  #command = 0;
  #failure: unknown;
  #deposed: { id: ReplicaId; atMs: number; deafAfterMs: number } | undefined;
  #succeedAtMs = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    const r = this.#random;
    this.#mix = drawnMix(r);
    this.network = new MemoryNetwork({
      later: (delayMs, run) => this.world.later(delayMs, () => this.#guarded(run)),
      fate: (from, to, _, frame) => this.#fate(from, to, frame),
      outlive: r.chance(50),
    });
    this.network.reachable = (a, b) => !(this.#isCut(a, b) && this.#isCut(b, a));
    const size = options.replicas ?? r.pick([3, 3, 5]);
    for (let id = 1; id <= size; id += 1) this.processes.push(this.#process(id, size));
  }

  /** Runs the seed to its end. CheckFailed tells what went wrong. */
  async run(): Promise<SimulationReport> {
    await this.#form();
    const chaosMs = this.#options.chaosMs ?? 10_000;
    for (let client = 0; client < 4; client += 1) this.#client(client);
    const until = this.world.nowMs + chaosMs;
    while (this.world.nowMs < until) {
      for (let i = 0; i < 5; i += 1) {
        await this.#advance(10);
        this.#succeed();
      }
      this.#maybeFault();
    }
    await this.#heal();
    return this.#report();
  }

  // ---- phases

  async #form(): Promise<void> {
    for (const process of this.processes) process.start();
    await this.#until('all are started', 60_000, () =>
      this.processes.every((p) => p.replica !== undefined),
    );
    const members = this.processes.map(({ id }) => ({
      id,
      addresses: { memory: memoryAddress(id) },
    }));
    let formed = false;
    this.processes[0]?.replica?.bootstrap(members, { timeoutMs: 60_000 }).then(
      () => {
        formed = true;
      },
      (error: unknown) => this.#fail(error),
    );
    await this.#until('the group is formed', 60_000, () => formed);
  }

  async #heal(): Promise<void> {
    this.#lossy = false;
    this.#deposed = undefined;
    this.#cuts.clear();
    this.network.settle();
    for (const process of this.processes) {
      process.pause(0);
      if (!process.isUp) process.start();
    }
    const goal = this.#outcomes.acknowledged + 10;
    await this.#until('commands are acknowledged again', 30_000, () => {
      return this.#outcomes.acknowledged >= goal;
    });
    const last = this.#agreement.last;
    await this.#until('every replica has executed everything', 30_000, () =>
      this.processes.every(({ machine }) => (machine as DigestMachine).slot >= last),
    );
  }

  async #until(what: string, forMs: number, done: () => boolean): Promise<void> {
    const until = this.world.nowMs + forMs;
    while (!done()) {
      if (this.world.nowMs >= until) throw new CheckFailed('liveness', `not in time: ${what}`);
      await this.#advance(100);
    }
  }

  async #advance(forMs: number): Promise<void> {
    await this.world.run(this.world.nowMs + forMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  // ---- processes

  #process(id: ReplicaId, size: number): SimProcess {
    const r = this.#random;
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    return new SimProcess({
      id,
      world: this.world,
      network: this.network,
      random: r,
      clockRate: r.pick([0.95, 1, 1.05]),
      peers: ids
        .filter((other) => other !== id)
        .map((other) => ({ id: other, addresses: { memory: memoryAddress(other) } })),
      limits: {
        slotsInFlightMax: r.pick([1, 4, 64]),
        partBytesMax: r.pick([64, 4_096]),
        cacheBytesMax: r.pick([1, 2_000, 1_000_000]),
        batchCommandsMax: r.pick([1, 4, 8_192]),
        ...this.#options.limits,
      },
      timings: this.#options.timings ?? {},
      logger: this.#logger(id),
      machine: () => new DigestMachine((executed) => this.#onExecuted(id, executed)),
      writeMs: () => this.#writeMs(id),
      onStartFailed: (error) => this.#fail(error),
    });
  }

  /** A replica that stops by itself is a failure: nothing here gives it a reason. */
  #logger(id: ReplicaId): Logger {
    return {
      ...silentLogger,
      error: (fields, message) => {
        this.#fail(new CheckFailed('safety', `replica ${id}: ${message}: ${describe(fields)}`));
      },
    };
  }

  #writeMs(id: ReplicaId): number {
    const r = this.#random;
    if (!this.#lossy) return 0.2;
    const stalled = (this.#stalls.get(id) ?? 0) - this.world.nowMs;
    if (stalled > 0) return stalled;
    return r.chance(this.#mix.slowDisk) ? r.below(800) : 0.1 + r.below(20) / 10;
  }

  // ---- clients

  #client(client: number): void {
    const again = (delayMs: number): void => this.world.later(delayMs, () => this.#client(client));
    const process = this.#random.pick(this.processes);
    const { replica } = process;
    if (replica === undefined || !process.isUp) return again(20);
    if (this.#random.chance(30)) {
      const floor = this.#reads.floor;
      replica.barrier('linearizable', { timeoutMs: commandTimeoutMs }).then(
        (slot) => this.#guarded(() => this.#reads.onRead(process.id, floor, slot)),
        () => undefined,
      );
      return again(5 + this.#random.below(20));
    }
    let left = 1 + this.#random.below(4);
    const commands = Array.from({ length: left }, () => `c${client}.${(this.#command += 1)}`);
    // Some clients wait for their results, others do not: then much is open at a time.
    const waits = client % 2 === 0;
    if (!waits) again(3 + this.#random.below(this.#random.pick([5, 30, 300])));
    const settled = (): void => {
      left -= 1;
      if (left === 0 && waits) again(this.#random.below(15));
    };
    const { starts } = process;
    // A client whose replica is killed hears nothing: it goes on elsewhere.
    const watch = (): void => {
      if (left === 0 || !waits) return;
      if (process.starts !== starts || !process.isUp) {
        left = 0;
        return again(5);
      }
      this.world.later(200, watch);
    };
    this.world.later(200, watch);
    const results = {
      result: (i: number, bytes: Uint8Array) => {
        this.#guarded(() => this.#onResult(commands[i] as string, Buffer.from(bytes).toString()));
        settled();
      },
      error: (i: number, error: RslError) => {
        this.#guarded(() => this.#outcomes.onError(commands[i] as string, error.outcome));
        settled();
      },
    };
    const bytes = commands.map((command) => Buffer.from(command));
    replica.proposeMany(bytes, results, { timeoutMs: commandTimeoutMs });
  }

  #onResult(command: string, position: string): void {
    this.#outcomes.onResult(command, position);
    this.#reads.onAcknowledged(Number(position.split('.')[0]));
  }

  #onExecuted(id: ReplicaId, executed: Executed): void {
    this.#guarded(() => {
      this.#trace(`x ${id} ${executed.slot} ${executed.digest}`);
      if (!this.#agreement.onExecuted(id, executed)) return;
      for (const [i, command] of executed.commands.entries()) {
        this.#outcomes.onExecuted(command, `${executed.slot}.${i}`);
      }
    });
  }

  // ---- faults

  #fate(from: ReplicaId, to: ReplicaId, frame: Uint8Array): readonly number[] {
    const r = this.#random;
    this.#trace(`f ${from} ${to} ${crc32(frame)} ${this.world.nowMs}`);
    if (!this.#lossy) return [0.1];
    const sender = this.processes[from - 1];
    if (sender !== undefined && revealing.has(frame[3] ?? 0) && frame[2] === 0) {
      if (r.chance(this.#mix.reveal))
        this.world.later(0.05, () => this.#crash(sender, 1 + r.below(50), 0));
    }
    if (this.#isCut(from, to) || r.chance(this.#mix.loss)) return [];
    const delay = (): number =>
      r.chance(this.#mix.late) ? r.below(1_500) : 0.1 + r.below(20) / 10;
    return r.chance(this.#mix.twice) ? [delay(), delay()] : [delay()];
  }

  #isCut(from: ReplicaId, to: ReplicaId): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) > this.world.nowMs;
  }

  #maybeFault(): void {
    const r = this.#random;
    const { crash, power, pause, cut, oneWay } = this.#mix;
    const leaders = this.#leaders();
    const victim = leaders.length > 0 && r.chance(50) ? r.pick(leaders) : r.pick(this.processes);
    if (r.chance(2 * this.#mix.stall)) {
      this.#count('stalls');
      this.#stalls.set(victim.id, this.world.nowMs + 100 + r.below(3_000));
    }
    if (r.chance(2 * crash)) this.#crash(victim, 20 + r.below(2_000));
    if (r.chance(power)) for (const each of this.processes) this.#crash(each, 20 + r.below(500));
    if (r.chance(2 * pause)) {
      this.#count('pauses');
      victim.pause(50 + r.below(1_500));
    }
    if (r.chance(2 * cut)) this.#cut(victim.id, true);
    if (r.chance(2 * oneWay)) this.#cut(victim.id, false);
    this.network.settle();
  }

  #leaders(): SimProcess[] {
    return this.processes.filter((p) => p.isUp && p.replica?.status().state === 'leader');
  }

  /**
   * A leader is cut off, first one way; as soon as its heir leads, that dies and the old one is
   * back, with whatever it has voted for alone.
   */
  #succeed(): void {
    const r = this.#random;
    const nowMs = this.world.nowMs;
    const [leader] = this.#leaders();
    if (this.#deposed === undefined) {
      if (leader === undefined || nowMs < this.#succeedAtMs) return;
      if (!r.chance(this.#mix.succession)) return;
      this.#count('successions');
      this.#deposed = { id: leader.id, atMs: nowMs, deafAfterMs: 20 + r.below(100) };
      this.#cutOff(leader.id, nowMs + 3_000, 'out');
      return;
    }
    const { id, atMs, deafAfterMs } = this.#deposed;
    if (nowMs - atMs > deafAfterMs) this.#cutOff(id, atMs + 3_000, 'in');
    const heir = this.#leaders().find((p) => p.id !== id);
    if (heir === undefined ? nowMs - atMs < 3_000 : r.chance(70)) return;
    if (heir !== undefined) this.#crash(heir, 300 + r.below(1_000), r.below(3));
    this.#cuts.clear();
    this.network.settle();
    this.#deposed = undefined;
    this.#succeedAtMs = nowMs + 300 + r.below(1_500);
  }

  #cutOff(id: ReplicaId, untilMs: number, way: 'in' | 'out'): void {
    for (const { id: other } of this.processes) {
      if (other === id) continue;
      this.#cuts.set(way === 'out' ? `${id}>${other}` : `${other}>${id}`, untilMs);
    }
    this.network.settle();
  }

  #crash(process: SimProcess, downMs: number, survivors = this.#random.below(3)): void {
    if (!process.isUp) return;
    this.#count('crashes');
    process.kill(survivors);
    this.world.later(downMs, () => {
      if (!process.isUp) process.start();
    });
  }

  #cut(id: ReplicaId, bothWays: boolean): void {
    this.#count(bothWays ? 'cuts' : 'oneWayCuts');
    const until = this.world.nowMs + 100 + this.#random.below(2_500);
    const inbound = bothWays || this.#random.chance(50);
    for (const other of this.processes) {
      if (other.id === id || this.#random.chance(25)) continue;
      if (bothWays || inbound) this.#cuts.set(`${other.id}>${id}`, until);
      if (bothWays || !inbound) this.#cuts.set(`${id}>${other.id}`, until);
    }
    this.network.settle();
    this.world.later(until - this.world.nowMs, () => this.network.settle());
  }

  // ---- bookkeeping

  #count(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  #trace(what: string): void {
    this.#hash = crc32(what, this.#hash);
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #report(): SimulationReport {
    const { acknowledged, denied, executed, unknown } = this.#outcomes;
    check(acknowledged <= executed, () => 'more is acknowledged than executed');
    return {
      seed: this.#options.seed,
      simulatedMs: Math.round(this.world.nowMs),
      slots: this.#agreement.slots,
      executed,
      acknowledged,
      unknown,
      denied,
      reads: this.#reads.reads,
      faults: this.faults,
      traceHash: this.#hash.toString(16).padStart(8, '0'),
    };
  }
}

function describe(fields: object): string {
  const { err, what } = fields as { readonly err?: Error; readonly what?: string };
  return what ?? err?.stack ?? JSON.stringify(fields);
}

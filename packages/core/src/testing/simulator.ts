import { crc32 } from 'node:zlib';
import type { Timings } from '../limits.ts';
import type { PeerAddress } from '../ports/transport.ts';
import { checkBounds } from './checkers/bounds.ts';
import { check, CheckFailed } from './checkers/check-failed.ts';
import { digestClient } from './digest-client.ts';
import { DigestMachine } from './digest-machine.ts';
import { DiskFaults } from './faults/disk-faults.ts';
import { faultIntervalMs, Field } from './faults/field.ts';
import { LossAccount } from './faults/loss-account.ts';
import { NetworkFaults } from './faults/network-faults.ts';
import { ProcessFaults } from './faults/process-faults.ts';
import { Successions } from './faults/successions.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { calmMix, drawnMix, frameKinds, isLossy, type Mix } from './mix.ts';
import { Night } from './night.ts';
import { SeededRandom } from './seeded-random.ts';
import { clientAddress, Outsiders } from './sim-outsiders.ts';
import { type Clocks, drawnClocks, drawnLimits, drawnSleep, drawnTimings } from './sim-draws.ts';
import { SimClients } from './sim-clients.ts';
import { memoryAddress, SimProcess } from './sim-process.ts';
import type { SimulationReport } from './sim-report.ts';
import { SimWorld } from './sim-world.ts';
import type { SimulationOptions } from './simulation-options.ts';
import { Trace } from './trace.ts';
import { Watch } from './watch.ts';

/** By then everybody has told everybody where its store stands. */
const toldMs = 2_000;
/** After faults have ended, everything must work again within this. */
const calmMsMax = 30_000;
const durationMsMin = 60_000;
const commandsMin = 500;
const faultsMin = 5;
const roundsMax = 100;

/** Ends of a replica that say what was done to it, and of a bootstrap that is to be tried again. */
const bootstrapAgain = new Set(['RSL_BOOTSTRAP_INCOMPLETE', 'RSL_CLOSED', 'RSL_STORAGE_FAILED']);

/**
 * A whole group with the production host, protocol and codec on simulated time, network, disks and
 * clients. One seed gives one trace. Faults come and go: while they last nothing wrong may be done
 * or answered; after they have ended everything must work again, and all replicas be equal.
 */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly world: SimWorld;
  readonly mix: Mix;
  readonly clocks: Clocks;
  /** More may be lost than a group bears; only safety is demanded then. */
  readonly beyond: boolean;
  readonly network: MemoryNetwork;
  readonly processes: readonly SimProcess[];
  readonly #field: Field;
  readonly #account: LossAccount;
  readonly #networkFaults: NetworkFaults;
  readonly #processFaults: ProcessFaults;
  readonly #diskFaults: DiskFaults;
  readonly #successions: Successions;
  readonly #watch: Watch;
  readonly #clients: SimClients;
  readonly #outsiders: Outsiders;
  readonly #night: Night;
  #rounds = 0;
  #formed = false;
  #failure: unknown;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    const r = this.#random.fork('group');
    const drawn = options.faults === 'none' ? calmMix : drawnMix(this.#random.fork('mix'));
    this.mix = { ...drawn, ...(options.faults === 'none' ? {} : options.faults) };
    this.#trace = new Trace(options.onTrace);
    this.world = new SimWorld({ settle: options.settle ?? 'as-needed' });
    const members = options.replicas ?? r.pick([3, 3, 5]);
    this.beyond = options.beyond ?? (isLossy(this.mix) && r.chance(15));
    this.#watch = new Watch(members, (error) => this.#fail(error));
    this.network = new MemoryNetwork({
      later: (delayMs, run) => this.world.later(delayMs, () => this.#watch.guarded(run)),
      fate: (from, to, _, frame) => this.#fate(from, to, frame),
      outlive: r.chance(50),
    });
    const timings = { ...drawnTimings(r), ...options.timings };
    const { sleepAfterMs = drawnSleep(this.#random.fork('sleep'), timings) } = timings;
    this.clocks = options.clocks ?? drawnClocks(this.#random.fork('clocks'), timings);
    this.processes = this.#processesOf(members, { ...timings, sleepAfterMs }, r);
    this.#account = new LossAccount(members, this.beyond);
    const { world, network, mix, clocks, processes } = this;
    const account = this.#account;
    const note = (what: string): void => this.#trace.note(what);
    const random = this.#random.fork('faults');
    this.#field = new Field({ world, network, random, mix, clocks, account, processes, note });
    this.#networkFaults = new NetworkFaults(this.#field);
    this.#processFaults = new ProcessFaults(this.#field);
    this.#diskFaults = new DiskFaults(this.#field, (process) => this.#onReplaced(process));
    this.#successions = new Successions(this.#field, this.#networkFaults);
    for (const process of processes) this.#watch.onDisk(process);
    const client = options.client ?? digestClient;
    const failed = (error: unknown): void => this.#fail(error);
    this.#clients = new SimClients({ world, processes, watch: this.#watch, client, failed });
    const { next } = this.#clients;
    const outside = { world, processes, watch: this.#watch, next, failed, sleepAfterMs };
    this.#outsiders = new Outsiders({ ...outside, random: this.#random.fork('outsiders') });
    this.#night = new Night({
      field: this.#field,
      random: this.#random.fork('night'),
      sleepAfterMs,
      clients: [this.#clients, this.#outsiders],
      isCalm: options.faults === 'none',
      advance: (forMs) => this.#advance(forMs),
    });
  }

  /** Runs the seed to its end. CheckFailed tells what went wrong. */
  async run(): Promise<SimulationReport> {
    const { durationMs = durationMsMin } = this.#options;
    this.#every(faultIntervalMs, () => this.#tick());
    this.#every(10, () => this.#successions.tick());
    this.#every(500, () => this.#look());
    await this.#form();
    const { clients = 4 } = this.#options;
    for (let client = 0; client < clients; client += 1)
      this.#clients.start(client, this.#random.fork(`client ${client}`));
    // They propose what only the digest machine understands.
    const outsiders = this.#options.client === undefined ? 2 : 0;
    for (let client = 0; client < outsiders; client += 1) this.#outsiders.start(client);
    for (this.#rounds = 0; this.#isShort(durationMs); this.#rounds += 1) {
      this.#field.isStormy = true;
      await this.#advance(this.#options.stormMs ?? 6_000 + this.#random.below(12_000));
      await this.#calm();
      if (!this.beyond && (await this.#night.pass())) await this.#calm();
    }
    await this.#compare();
    return this.#report();
  }

  // ---- phases

  async #form(): Promise<void> {
    this.#field.isStormy = this.#random.fork('forming').chance(30);
    for (const process of this.processes) process.start();
    this.#bootstrap();
    await this.#until('the group is formed', 10_000, () => this.#formed, 'or go on');
    this.#endStorm();
    await this.#until('the group is formed', calmMsMax, () => this.#formed);
    this.#account.open();
  }

  /** Whoever looks after the group asks again until it is formed. */
  #bootstrap(): void {
    const again = (): void => this.world.later(200, () => this.#bootstrap());
    const [process] = this.processes;
    if (this.#formed) return;
    if (process?.replica === undefined) return again();
    const gone = (): void => again();
    process.onGone.add(gone);
    const members = this.processes.map(({ id }) => addressOf(id));
    process.replica.bootstrap(members, { timeoutMs: 5_000 }).then(
      () => {
        process.onGone.delete(gone);
        this.#formed = true;
      },
      (error: { readonly code?: string }) => {
        if (!process.onGone.delete(gone)) return;
        if (bootstrapAgain.has(error.code ?? '')) again();
        else this.#fail(error);
      },
    );
  }

  #endStorm(): void {
    this.#field.isStormy = false;
    this.#successions.heal();
    this.#networkFaults.heal();
    this.#processFaults.heal();
    this.#diskFaults.heal();
    for (const process of this.processes) if (!process.isUp) process.start();
  }

  /** Faults end: the group must work again, everybody must catch up, nobody may wait for ever. */
  async #calm(): Promise<void> {
    this.#endStorm();
    if (this.beyond) return this.#advance(5_000);
    const goal = this.#watch.outcomes.acknowledged + 10;
    await this.#until('commands are acknowledged again', calmMsMax, () => {
      return this.#watch.outcomes.acknowledged >= goal;
    });
    const elsewhere = this.#outsiders.acknowledged;
    await this.#until('clients elsewhere are answered again', calmMsMax, () =>
      this.#outsiders.acknowledged.every((count, i) => count > (elsewhere[i] ?? 0)),
    );
    await this.#caughtUp();
    await this.#putBack();
    const { nowMs } = this.world;
    await this.#until('every call is answered', calmMsMax, () =>
      this.#watch.calls.areNewerThan(nowMs),
    );
    for (const { excuses } of this.processes) excuses.clear();
  }

  async #caughtUp(): Promise<void> {
    const { last } = this.#watch.agreement;
    await this.#until('every replica has executed everything', calmMsMax, () => {
      return this.processes.every(({ witness }) => (witness?.slot ?? 0) >= last);
    });
  }

  /** An older copy of a medium comes back: it must be found out, and learn as a newcomer (S2a). */
  async #putBack(): Promise<void> {
    if (this.#field.mix.oldCopy === 0) return;
    await this.#advance(toldMs);
    const victim = this.#diskFaults.putBack();
    if (victim === undefined) return;
    await this.#until('an older copy is found out', calmMsMax, () => {
      return this.#account.isWiped(victim.id);
    });
    await this.#caughtUp();
  }

  /** All state machines are in the same state, if they have executed the same. */
  async #compare(): Promise<void> {
    const states = new Map<string, string>();
    for (const { id, stateMachine, witness } of this.processes) {
      if (stateMachine === undefined || witness === undefined) continue;
      let digest = 0;
      for await (const chunk of stateMachine.save()) digest = crc32(chunk, digest);
      const key = `${witness.slot} ${witness.digest}`;
      const state = `${digest}`;
      check((states.get(key) ?? state) === state, () => {
        return `the state of replica ${id} differs after slot ${witness.slot} (P7)`;
      });
      states.set(key, state);
    }
  }

  #isShort(durationMs: number): boolean {
    if (this.#rounds === 0 || this.world.nowMs < durationMs) return true;
    const { executed } = this.#watch.outcomes;
    const enough = executed >= commandsMin && this.#events >= faultsMin;
    const mayGoOn = this.#options.durationMs === undefined && this.#rounds < roundsMax;
    return !enough && mayGoOn && !this.beyond && this.#options.faults !== 'none';
  }

  async #until(what: string, forMs: number, done: () => boolean, or?: 'or go on'): Promise<void> {
    const until = this.world.nowMs + forMs;
    while (!done()) {
      if (this.world.nowMs < until) await this.#advance(100);
      else if (or === 'or go on') return;
      else throw new CheckFailed('liveness', `not in time: ${what}`);
    }
  }

  async #advance(forMs: number): Promise<void> {
    await this.world.run(this.world.nowMs + forMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #every(periodMs: number, run: () => void): void {
    this.world.later(periodMs, () => {
      this.#watch.guarded(run);
      this.#every(periodMs, run);
    });
  }

  // ---- processes

  #processesOf(members: number, timings: Partial<Timings>, r: SeededRandom): SimProcess[] {
    const { lease, rates } = this.clocks;
    const ids = Array.from({ length: members }, (_, i) => i + 1);
    return ids.map((id) => {
      const process: SimProcess = new SimProcess({
        id,
        world: this.world,
        network: this.network,
        random: this.#random.fork(`process ${id}`),
        clockRate: r.pick(rates),
        peers: ids.filter((other) => other !== id).map(addressOf),
        limits: { ...drawnLimits(r), ...this.#options.limits },
        timings,
        lease,
        isApart: this.#options.isApart ?? false,
        layers: this.#options.layers,
        stateMachine: this.#options.stateMachine ?? (() => new DigestMachine()),
        write: (run) => process.later(this.#diskFaults.writeMs(process), run),
        on: {
          executed: (executed, commands) => {
            this.#trace.note(`x ${id} ${executed.slot} ${executed.digest}`);
            this.#watch.onExecuted(id, executed, commands);
          },
          started: (who) => this.#outsiders.serve(who),
          effect: (who, effect) => this.#processFaults.effect(who, effect),
          stopped: (who, error) => this.#onStopped(who, error),
          ended: (who) => this.#field.startLater(who, 20 + this.#random.below(1_000)),
          alarm: (who, what) => this.#fail(new CheckFailed('safety', `replica ${who.id}: ${what}`)),
        },
      });
      return process;
    });
  }

  /** A replica may stop by itself only for what was done to it. */
  #onStopped(process: SimProcess, error: unknown): void {
    const { code } = error as { readonly code?: string };
    this.#trace.note(`stopped ${process.id} ${code} ${this.world.nowMs}`);
    if (code === 'RSL_OLD_COPY') this.#onRenewed(process);
    if ([...process.excuses].some((excuse) => excuse === code)) return;
    const kind =
      code === 'RSL_CONTRACT_VIOLATION' || code === 'RSL_INTERNAL' ? 'contract' : 'safety';
    const what = error instanceof Error ? (error.cause ?? error) : error;
    const stack = what instanceof Error ? what.stack : String(what);
    this.#fail(new CheckFailed(kind, `replica ${process.id} stops: ${stack}`, { cause: error }));
  }

  /** It was an older copy, and has another name now: from here on it is no member (S2a). */
  #onRenewed({ id }: SimProcess): void {
    this.#account.wipe(id);
    this.#watch.onWiped(id);
  }

  #onReplaced(process: SimProcess): void {
    if (this.#account.isWiped(process.id)) this.#watch.onWiped(process.id);
    this.#watch.onDisk(process);
  }

  #fate(from: number, to: number, frame: Uint8Array): readonly number[] {
    const sender = this.processes[from - 1];
    if (sender === undefined) return [];
    this.#processFaults.effect(sender, 'send');
    if (!sender.isUp) return [];
    this.#trace.frame(from, to, this.world.nowMs, frame);
    this.#watch.onFrame(sender, frame);
    return this.#networkFaults.fate(from, to, frame);
  }

  // ---- faults and checks

  #tick(): void {
    if (!this.#field.isStormy) return;
    this.#networkFaults.tick();
    this.#processFaults.tick();
    this.#diskFaults.tick();
    if (this.#field.happens('clientBroken')) {
      this.#field.count('clientBroken', this.#outsiders.breakSome(this.#random));
    }
  }

  #look(): void {
    for (const { id, replica, limits, pointers, disk } of this.processes) {
      if (replica === undefined) continue;
      const status = replica.status();
      pointers.onStatus(status);
      const unwrittenBytes = disk.pendingBytes;
      const queuedBytesMax = this.network.queuedBytesMax(id);
      checkBounds({ status, limits, unwrittenBytes, queuedBytesMax });
    }
  }

  /** Faults that are events of their own. */
  get #events(): number {
    return Object.entries(this.#field.counts)
      .filter(([kind]) => !frameKinds.some((each) => each === kind))
      .reduce((sum, [, count]) => sum + count, 0);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.world.stop();
  }

  #report(): SimulationReport {
    const { acknowledged, denied, executed, unknown } = this.#watch.outcomes;
    check(acknowledged <= executed, () => 'more is acknowledged than executed');
    return {
      seed: this.#options.seed,
      simulatedMs: Math.round(this.world.nowMs),
      steps: this.world.steps,
      rounds: this.#rounds,
      beyond: this.beyond,
      slots: this.#watch.agreement.slots,
      executed,
      acknowledged,
      unknown,
      denied,
      reads: this.#watch.reads.reads,
      retried: this.#clients.retried,
      sleepers: this.#night.sleepers,
      frames: this.#trace.frames,
      faults: this.#field.counts,
      snapshots: this.#watch.shelves.counts,
      traceHash: this.#trace.hash,
    };
  }
}

const addressOf = (id: number): PeerAddress => {
  return { id, addresses: { memory: memoryAddress(id), client: clientAddress(id) } };
};

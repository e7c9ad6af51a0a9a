import type { Batch, Limits, Replica, Results, Timings } from '@rsl/core';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { MemoryNetwork } from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { memoryAddress, SimProcess } from '../../src/testing/sim-process.ts';
import { SimWorld } from '../../src/testing/sim-world.ts';
import { Watch } from '../../src/testing/watch.ts';
import { numbered } from '../../src/testing/witness.ts';
import { FrameRules, kindOf } from './frame-rules.ts';

/** Remembers the texts that it was given; the result of a command is itself. */
export class TextMachine extends DigestMachine {
  readonly texts: string[] = [];

  override execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) {
      const bytes = batch.bytes.subarray(batch.start(i), batch.end(i));
      this.texts.push(Buffer.from(bytes).toString());
      results.push(bytes);
    }
  }
}

const forMs = 20_000;

/**
 * A group of the production host, protocol and codec on simulated time, in which nothing goes wrong
 * by itself: a script says what does. Every checker of the simulator watches.
 */
export class Stage {
  readonly world = new SimWorld();
  readonly rules = new FrameRules();
  readonly processes: readonly SimProcess[];
  readonly copies = new Map<number, MemoryDisk>();
  /** Of each text that was proposed, what its caller was told. */
  readonly answers = new Map<string, string>();
  readonly stalled = new Set<number>();
  readonly #watch: Watch;
  readonly #network: MemoryNetwork;
  readonly #cuts = new Set<string>();
  readonly #stalledWrites = new Map<number, (() => void)[]>();
  readonly #commands = new Map<string, Uint8Array>();
  #failure: unknown;

  constructor(members: number, limits: Partial<Limits>, timings: Partial<Timings> = {}) {
    this.#watch = new Watch(members, (error) => this.#fail(error));
    this.#network = new MemoryNetwork({
      later: (delayMs, run) => this.world.later(delayMs, run),
      fate: (from, to, _, frame) => this.#fate(from, to, frame),
      // What a script has held back arrives, whatever became of its sender.
      outlive: true,
    });
    this.#network.reachable = (a, b) => !(this.isCut(a, b) && this.isCut(b, a));
    const ids = Array.from({ length: members }, (_, i) => i + 1);
    this.processes = ids.map((id) => this.#process(id, ids, { limits, timings }));
    for (const process of this.processes) this.#watch.onDisk(process);
  }

  process(id: number): SimProcess {
    const process = this.processes[id - 1];
    if (process === undefined) throw new Error(`there is no replica ${id}`);
    return process;
  }

  replica(id: number): Replica {
    const { replica } = this.process(id);
    if (replica === undefined) throw new Error(`replica ${id} does not run`);
    return replica;
  }

  texts(id: number): readonly string[] {
    return (this.process(id).stateMachine as TextMachine | undefined)?.texts ?? [];
  }

  async form(): Promise<void> {
    for (const process of this.processes) process.start();
    await this.until('all are started', () => this.processes.every((p) => p.replica));
    let formed = false;
    const members = this.processes.map(({ id }) => addressOf(id));
    void this.replica(1)
      .bootstrap(members)
      .then(() => (formed = true));
    await this.until('the group is formed', () => formed);
  }

  async wait(ms: number): Promise<void> {
    await this.world.run(this.world.nowMs + ms);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async until(what: string, done: () => unknown): Promise<void> {
    const endMs = this.world.nowMs + forMs;
    while (!done()) {
      if (this.world.nowMs > endMs) throw new Error(`not in time: ${what}`);
      await this.wait(5);
    }
  }

  propose(id: number, text: string): void {
    const number = this.#commands.size + 1;
    const command = numbered(number, Buffer.from(text));
    this.#commands.set(text, command);
    const process = this.process(id);
    const { starts } = process;
    const { outcomes } = this.#watch;
    const told = (answer: string, run: () => void): void => {
      if (!process.isUp || process.starts !== starts) return;
      this.answers.set(text, answer);
      this.#watch.guarded(run);
    };
    this.replica(id)
      .propose(command, { timeoutMs: forMs })
      .then(
        () => told('done', () => outcomes.onResult(number)),
        (error: { readonly outcome: 'not-executed' | 'unknown' }) =>
          told(error.outcome, () => outcomes.onError(number, error.outcome)),
      );
  }

  /** As it stands in a batch. */
  bytesOf(text: string): Uint8Array {
    const bytes = this.#commands.get(text);
    if (bytes === undefined) throw new Error(`nobody has proposed ${text}`);
    return bytes;
  }

  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
    this.#network.settle();
  }

  join(): void {
    this.#cuts.clear();
    this.#network.settle();
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** Writes that were under way are done now. */
  unstall(id: number): void {
    this.stalled.delete(id);
    for (const run of this.#stalledWrites.get(id) ?? []) run();
    this.#stalledWrites.delete(id);
  }

  crash(id: number, survivors: number): void {
    this.process(id).kill(survivors);
    this.stalled.delete(id);
    this.#stalledWrites.delete(id);
  }

  wipe(id: number): void {
    this.crash(id, 0);
    this.#watch.onWiped(id);
    this.#insert(id, new MemoryDisk());
  }

  /** The medium is as it was when it was copied. */
  putBack(id: number): void {
    const copy = this.copies.get(id);
    if (copy === undefined) throw new Error(`there is no copy of disk ${id}`);
    this.crash(id, 0);
    this.#insert(id, copy);
  }

  #insert(id: number, disk: MemoryDisk): void {
    const process = this.process(id);
    process.disk = disk;
    this.#watch.onDisk(process);
  }

  #fate(from: number, to: number, frame: Uint8Array): readonly number[] {
    const sender = this.process(from);
    this.#watch.onFrame(sender, frame);
    if (this.isCut(from, to)) return [];
    const which = { kind: kindOf(frame), from: `${from}`, to: `${to}` };
    const bytes = frame.slice();
    const passes = this.rules.passes(which, () => this.#network.deliver(from, to, bytes));
    return passes ? [sender.waitsMs + 0.5] : [];
  }

  #process(
    id: number,
    ids: readonly number[],
    options: { readonly limits: Partial<Limits>; readonly timings: Partial<Timings> },
  ): SimProcess {
    const process: SimProcess = new SimProcess({
      id,
      world: this.world,
      network: this.#network,
      random: new SeededRandom(id),
      clockRate: 1,
      peers: ids.filter((other) => other !== id).map(addressOf),
      ...options,
      stateMachine: () => new TextMachine(),
      write: (run) => this.#write(process, run),
      on: {
        executed: (executed, commands) => this.#watch.onExecuted(id, executed, commands),
        effect: () => {},
        stopped: (who, error) => {
          const { code } = error as { readonly code?: string };
          if (![...who.excuses].some((excuse) => excuse === code)) this.#fail(error);
        },
        ended: () => {},
        alarm: (_, what) => this.#fail(new Error(`replica ${id}: ${what}`)),
      },
    });
    return process;
  }

  #write(process: SimProcess, run: () => void): void {
    const { id, starts } = process;
    const done = (): void => {
      if (!process.isUp || process.starts !== starts) return;
      if (!this.stalled.has(id)) return run();
      this.#stalledWrites.set(id, [...(this.#stalledWrites.get(id) ?? []), run]);
    };
    this.world.later(0.2, done);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }
}

const addressOf = (id: number) => ({ id, addresses: { memory: memoryAddress(id) } });

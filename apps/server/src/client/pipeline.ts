import type { ManyResults, ReadLevel, Replica, RslError } from '@rsl/core';
import type { Args } from '../args.ts';
import { BundleWriter, commandLength } from '../bundle/bundle-writer.ts';
import { Cursor } from '../bundle/cursor.ts';
import type { KeyValue } from '../key-value.ts';
import type { RespVersion } from '../resp/reply-writer.ts';
import type { ClientLimits } from './client-limits.ts';
import type { Write } from './connection-command.ts';
import { errorReply } from './error-reply.ts';
import type { Output } from './output.ts';
import { bytesOf, repliesOf, type Run } from './run.ts';
import type { Watches } from './watches.ts';

export interface PipelineEvents {
  /** A run has ended; there may be room for more. */
  room(): void;
  /** A reply was larger than may be kept: the connection is to be closed. */
  overflow(): void;
}

/** A run's memory to begin with, at most: it grows with what comes. */
const capacityAtFirst = 1_024;
/** Execution is synchronous, so one is enough for all connections. */
const cursor = new Cursor();

/** The commands of one connection, from when they are understood until they are answered. */
export class Pipeline implements ManyResults {
  readonly #replica: Replica;
  readonly #machine: KeyValue;
  readonly #limits: ClientLimits;
  readonly #output: Output;
  readonly #events: PipelineEvents;
  readonly #runs: Run[] = [];
  #current: Run | undefined;
  #isAdvancing = false;
  #isClosed = false;
  /** A read run that waits until the client takes its replies. */
  #paused: (Run & { kind: 'read' }) | undefined;
  #commands = 0;
  #pendingBytes = 0;

  constructor(
    replica: Replica,
    machine: KeyValue,
    limits: ClientLimits,
    output: Output,
    events: PipelineEvents,
  ) {
    this.#replica = replica;
    this.#machine = machine;
    this.#limits = limits;
    this.#output = output;
    this.#events = events;
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#runs.length === 0;
  }

  /** About the memory that everything unanswered takes up. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get hasRoom(): boolean {
    const { pendingBytesMax, pendingCommandsMax } = this.#limits;
    return this.#commands < pendingCommandsMax && this.#pendingBytes < pendingBytesMax;
  }

  write(id: number, args: Args, version: RespVersion): void {
    this.#put(this.#writes(version, commandLength(args)), id, args);
  }

  read(id: number, args: Args, level: ReadLevel, version: RespVersion): void {
    this.#put(this.#reads(level, version, commandLength(args)), id, args);
  }

  /** A reply that is known already; its turn comes after what is pending. */
  reply(bytes: Uint8Array): void {
    this.#add({ kind: 'reply', bytes });
    this.#commands++;
  }

  /** Begins in its turn; what comes after it waits. */
  patient(run: () => Promise<Write>, version: RespVersion): void {
    this.#add({ kind: 'patient', version, run });
    this.#commands++;
  }

  /** The slot that this replica has executed once everything before it is answered. */
  slot(version: RespVersion): void {
    this.#add({ kind: 'slot', sinceMs: performance.now(), version });
    this.#commands++;
  }

  watch(keys: readonly string[], watches: Watches, version: RespVersion): void {
    const { bytes } = watches;
    this.#add({ kind: 'watch', sinceMs: performance.now(), keys, watches, version, bytes });
    this.#commands++;
  }

  exec(queued: BundleWriter, watches: Watches, version: RespVersion): void {
    this.#commands++;
    if (watches.isEmpty) {
      const bundle = this.#writes(version, queued.length);
      const before = bundle.capacity;
      bundle.addExec(watches.versions, queued);
      this.#pendingBytes += bundle.capacity - before;
      return;
    }
    const bytes = watches.bytes + queued.capacity;
    this.#add({ kind: 'exec', sinceMs: performance.now(), queued, watches, version, bytes });
  }

  /** Starts the next run if none is under way. To be called when a turn's commands are in. */
  advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    while (this.#current === undefined && !this.#isClosed) {
      if (this.#output.isFull) break;
      const next = this.#runs.shift();
      if (next === undefined) break;
      this.#current = next;
      this.#start(next);
    }
    this.#isAdvancing = false;
  }

  /** The client has taken its replies. */
  drained(): void {
    const run = this.#paused;
    this.#paused = undefined;
    if (run !== undefined) this.#read(run);
    this.advance();
  }

  close(): void {
    this.#isClosed = true;
    this.#runs.length = 0;
    this.#paused = undefined;
    this.#pendingBytes = 0;
    this.#commands = 0;
  }

  /** The replies of the write run under way, as the state machine rendered them. */
  result(_: number, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (bytes.length === 0) return this.#events.overflow();
    this.#output.append(bytes);
    this.#finish();
  }

  error(_: number, error: RslError): void {
    if (!this.#isClosed) this.#fail(error);
  }

  /** The bundle that the next write of that length goes to. */
  #writes(version: RespVersion, length: number): BundleWriter {
    const last = this.#runs.at(-1);
    if (last?.kind === 'write' && this.#joins(last.bundle, version, length)) return last.bundle;
    const bundle = this.#newBundle(version, length);
    this.#add({ kind: 'write', sinceMs: performance.now(), bundle });
    return bundle;
  }

  #reads(level: ReadLevel, version: RespVersion, length: number): BundleWriter {
    const last = this.#runs.at(-1);
    const isSame = last?.kind === 'read' && last.level === level;
    if (isSame && this.#joins(last.bundle, version, length)) return last.bundle;
    const bundle = this.#newBundle(version, length);
    this.#add({ kind: 'read', sinceMs: performance.now(), bundle, level, at: 1 });
    return bundle;
  }

  #put(bundle: BundleWriter, id: number, args: Args): void {
    const before = bundle.capacity;
    bundle.add(id, args);
    this.#pendingBytes += bundle.capacity - before;
    this.#commands++;
  }

  #joins(bundle: BundleWriter, version: RespVersion, length: number): boolean {
    return bundle.version === version && bundle.length + length <= this.#limits.bundleBytesMax;
  }

  #newBundle(version: RespVersion, length: number): BundleWriter {
    return new BundleWriter(version, Math.max(capacityAtFirst, length + 8));
  }

  #add(run: Run): void {
    this.#runs.push(run);
    this.#pendingBytes += bytesOf(run);
  }

  #start(run: Run): void {
    switch (run.kind) {
      case 'write':
        return this.#propose(run.bundle, run.sinceMs);
      case 'read':
        return this.#afterBarrier(run.level, run.sinceMs, () => this.#read(run));
      case 'reply':
        this.#output.append(run.bytes);
        return this.#finish();
      case 'patient':
        return this.#wait(run);
      case 'slot':
        return this.#afterBarrier('local', run.sinceMs, (slot) => this.#slot(run.version, slot));
      case 'watch':
        return this.#afterBarrier('linearizable', run.sinceMs, () => this.#watch(run));
      case 'exec':
        return this.#exec(run);
    }
  }

  #propose(bundle: BundleWriter, sinceMs: number): void {
    try {
      const timeoutMs = this.#timeoutMs(sinceMs);
      this.#replica.proposeMany([bundle.bytes], this, { timeoutMs });
    } catch (error) {
      this.#fail(error);
    }
  }

  #afterBarrier(level: ReadLevel, sinceMs: number, then: (slot: number) => void): void {
    this.#replica.barrier(level, { timeoutMs: this.#timeoutMs(sinceMs) }).then(
      (slot) => {
        if (!this.#isClosed) then(slot);
      },
      (error: unknown) => {
        if (!this.#isClosed) this.#fail(error);
      },
    );
  }

  #read(run: Run & { kind: 'read' }): void {
    const { reply } = this.#output;
    const { bytes } = run.bundle;
    reply.version = run.bundle.version;
    cursor.open(bytes, run.at, bytes.length);
    while (cursor.at < cursor.end && !this.#output.isFull) {
      this.#machine.read(cursor, reply);
      if (reply.overflowed) return this.#events.overflow();
      this.#output.schedule();
    }
    run.at = cursor.at;
    if (cursor.at === cursor.end) this.#finish();
    else this.#paused = run;
  }

  #wait({ run, version }: Run & { kind: 'patient' }): void {
    run().then(
      (write) => {
        if (this.#isClosed) return;
        this.#output.reply.version = version;
        write(this.#output.reply);
        if (this.#output.reply.overflowed) return this.#events.overflow();
        this.#output.schedule();
        this.#finish();
      },
      (error: unknown) => {
        if (!this.#isClosed) this.#fail(error);
      },
    );
  }

  #slot(version: RespVersion, slot: number): void {
    this.#output.reply.version = version;
    this.#output.reply.integer(slot);
    this.#output.schedule();
    this.#finish();
  }

  #watch({ keys, watches, version }: Run & { kind: 'watch' }): void {
    for (const key of keys) {
      if (watches.versions.has(key)) continue;
      watches.versions.set(key, this.#machine.keyspace.versionOf(key));
    }
    this.#output.reply.version = version;
    this.#output.reply.simple('OK');
    this.#output.schedule();
    this.#finish();
  }

  #exec({ queued, watches, version, sinceMs }: Run & { kind: 'exec' }): void {
    if (watches.broken) {
      this.#output.reply.error('EXECABORT Transaction discarded because a WATCH before it failed');
      this.#output.schedule();
      return this.#finish();
    }
    const bundle = this.#newBundle(version, queued.length + watches.bytes);
    bundle.addExec(watches.versions, queued);
    this.#propose(bundle, sinceMs);
  }

  /** What is left of the deadline that began when the run's first command came in. */
  #timeoutMs(sinceMs: number): number {
    return Math.max(1, Math.ceil(this.#limits.timeoutMs - (performance.now() - sinceMs)));
  }

  /** Each command of the run under way is answered with the error. */
  #fail(error: unknown): void {
    const run = this.#current;
    if (run === undefined) return;
    if (run.kind === 'watch') run.watches.broken = true;
    const text = errorReply(error);
    for (let i = repliesOf(run); i > 0; i--) this.#output.reply.error(text);
    this.#output.schedule();
    this.#finish();
  }

  #finish(): void {
    const run = this.#current;
    if (run === undefined) return;
    this.#current = undefined;
    this.#commands -= repliesOf(run);
    this.#pendingBytes -= bytesOf(run);
    this.advance();
    this.#events.room();
  }
}

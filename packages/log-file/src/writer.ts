/**
 * Who performs the writes: the calling thread (`inline`), or a thread of its own that blocks in
 * each write, so that nobody's work in libuv's pool or on the main thread can hold it up.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type Durability, type Files, runTask, type Task, taskSteps } from './files.ts';
import { controlBytes, type Order, type Report, word } from './writer-messages.ts';

export type Finished = (error?: NodeJS.ErrnoException) => void;

/** One write at a time, and any number of tasks, which are done in order. */
export interface Writer {
  /** Which memory the writes of `buffer` come from. */
  lend(buffer: 0 | 1, memory: SharedArrayBuffer): void;
  /** Durable when `finished` runs, which is never before `write` returns. */
  write(buffer: 0 | 1, length: number, fd: number, position: number, finished: Finished): void;
  run(task: Task, finished: Finished): void;
  close(): Promise<void>;
}

export class InlineWriter implements Writer {
  readonly #files: Files;
  readonly #soon: (run: () => void) => void;
  readonly #memory: Uint8Array[] = [];
  #preparing: { readonly steps: Generator<void>; readonly finished: Finished } | undefined;
  #closed = false;

  constructor(files: Files, soon: (run: () => void) => void) {
    this.#files = files;
    this.#soon = soon;
  }

  lend(buffer: 0 | 1, memory: SharedArrayBuffer): void {
    this.#memory[buffer] = new Uint8Array(memory);
  }

  write(buffer: 0 | 1, length: number, fd: number, position: number, finished: Finished): void {
    const bytes = (this.#memory[buffer] as Uint8Array).subarray(0, length);
    attempt(() => this.#files.write(fd, bytes, position), later(finished));
  }

  run(task: Task, finished: Finished): void {
    if (task.kind !== 'prepare') {
      attempt(() => runTask(this.#files, task), later(finished));
      return;
    }
    // A step for each turn: preparing 64 MiB at once would stop the caller for long.
    this.#finishPreparing();
    this.#preparing = { steps: taskSteps(this.#files, task), finished };
    this.#soon(() => this.#step());
  }

  #step(): void {
    const current = this.#preparing;
    if (current === undefined || this.#closed) return;
    attempt(
      () => {
        if (current.steps.next().done) this.#preparing = undefined;
      },
      (error) => {
        if (error !== undefined) this.#preparing = undefined;
        if (this.#preparing === undefined) current.finished(error);
        else this.#soon(() => this.#step());
      },
    );
  }

  #finishPreparing(): void {
    const current = this.#preparing;
    if (current === undefined) return;
    this.#preparing = undefined;
    attempt(() => {
      while (!current.steps.next().done);
    }, later(current.finished));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#preparing?.steps.return(undefined);
  }
}

const later =
  (finished: Finished): Finished =>
  (error) =>
    queueMicrotask(() => finished(error));

function attempt(work: () => void, finished: Finished): void {
  let failure: NodeJS.ErrnoException | undefined;
  try {
    work();
  } catch (error) {
    failure = error as NodeJS.ErrnoException;
  }
  finished(failure);
}

const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js',
  import.meta.url,
);

/**
 * The writer sleeps in Atomics.wait on `wake` and answers through a message port. Whoever asks
 * for something changes that word last, and the writer sleeps only if it is still as it was before
 * the writer looked for something to do, so no wake-up is lost. A port was measured as quick as
 * Atomics.waitAsync here (16 µs and 15 µs a round trip); unlike that, it keeps the process alive
 * while it is referenced, that is until what is asked for is done.
 */
export class ThreadWriter implements Writer {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control = new Int32Array(new SharedArrayBuffer(controlBytes));
  #write: Finished | undefined;
  readonly #tasks: Finished[] = [];
  #ended: Error | undefined;
  #closing = false;

  /** `file` is for tests: a thread that does something else before or after. */
  constructor(durability: Durability, file: URL = threadFile) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData = { control: this.#control.buffer, port: port2, durability };
    this.#worker = new Worker(file, {
      workerData,
      transferList: [port2],
      name: 'rsl-log-writer',
    });
    port1.on('message', (report: Report) => this.#take(report));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the writer thread has ended')));
    this.#worker.unref();
    port1.unref();
  }

  lend(buffer: 0 | 1, memory: SharedArrayBuffer): void {
    this.#order({ kind: 'lend', buffer, memory });
  }

  write(buffer: 0 | 1, length: number, fd: number, position: number, finished: Finished): void {
    if (this.#ended !== undefined) {
      later(finished)(this.#ended);
      return;
    }
    this.#write = finished;
    this.#port.ref();
    this.#control[word.buffer] = buffer;
    this.#control[word.length] = length;
    this.#control[word.fd] = fd;
    this.#control[word.position] = position;
    Atomics.add(this.#control, word.writes, 1);
    this.#wake();
  }

  run(task: Task, finished: Finished): void {
    if (this.#ended !== undefined) {
      later(finished)(this.#ended);
      return;
    }
    this.#tasks.push(finished);
    this.#port.ref();
    this.#order({ kind: 'task', task });
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#worker.ref();
    if (this.#ended === undefined) this.#order({ kind: 'end' });
    return new Promise<void>((resolve) => {
      if (this.#ended !== undefined) resolve();
      else this.#worker.once('exit', () => resolve());
    }).then(() => this.#port.close());
  }

  /** For tests: the thread ends at once, whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #order(order: Order): void {
    this.#port.postMessage(order);
    this.#wake();
  }

  #wake(): void {
    Atomics.add(this.#control, word.wake, 1);
    Atomics.notify(this.#control, word.wake);
  }

  #take(report: Report): void {
    const { failure } = report;
    const error = failure && Object.assign(new Error(failure.message), { code: failure.code });
    const finished = report.what === 'write' ? this.#write : this.#tasks.shift();
    if (report.what === 'write') this.#write = undefined;
    if (this.#write === undefined && this.#tasks.length === 0) this.#port.unref();
    finished?.(error);
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    if (this.#closing) return;
    const waiting = [this.#write, ...this.#tasks.splice(0)];
    this.#write = undefined;
    for (const finished of waiting) finished?.(error);
  }
}

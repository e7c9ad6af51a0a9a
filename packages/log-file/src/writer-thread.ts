/** The body of the writer's thread: never returns to its event loop until it is told to end. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { stepBytes, systemFiles, type Task, taskSteps } from './files.ts';
import {
  type Failure,
  type Order,
  type Report,
  type WriterThreadData,
  word,
} from './writer-messages.ts';

const { control: memory, port, durability } = workerData as WriterThreadData;
const control = new Int32Array(memory);
const files = systemFiles(durability);
const buffers: Uint8Array[] = [];
const tasks: Task[] = [];
let steps: Generator<void> | undefined;
let writesDone = 0;

/** How long nothing has to be asked for until a long task goes on by itself. */
const quietMs = 2;
let quiet = false;
/** A long task also goes on, twice as fast as groups are written, when it is never quiet. */
let owedBytes = 0;

for (;;) {
  const wake = Atomics.load(control, word.wake);
  if (!takeOrders()) break;
  const writtenBytes = writeIfAsked();
  const [task] = tasks;
  quiet &&= writtenBytes === 0;
  if (task !== undefined && task.kind !== 'prepare') stepTask();
  else if (writtenBytes > 0) {
    owedBytes = task === undefined ? 0 : owedBytes + 2 * writtenBytes;
    for (; owedBytes >= stepBytes && tasks[0] === task; owedBytes -= stepBytes) stepTask();
  } else if (task === undefined) Atomics.wait(control, word.wake, wake);
  else if (quiet) stepTask();
  else quiet = Atomics.wait(control, word.wake, wake, quietMs) === 'timed-out';
}
steps?.return(undefined);
port.close();

/** False when it is time to end. */
function takeOrders(): boolean {
  for (;;) {
    const order = receiveMessageOnPort(port)?.message as Order | undefined;
    if (order === undefined) return true;
    if (order.kind === 'end') return false;
    if (order.kind === 'lend') buffers[order.buffer] = new Uint8Array(order.memory);
    else tasks.push(order.task);
  }
}

/** The bytes that were written; 0 if nothing was asked for. */
function writeIfAsked(): number {
  const writes = Atomics.load(control, word.writes);
  if (writes === writesDone) return 0;
  writesDone = writes;
  const bytes = buffers[at(word.buffer)] as Uint8Array;
  report('write', () => {
    files.write(at(word.fd), bytes.subarray(0, at(word.length)), at(word.position));
    return true;
  });
  return at(word.length);
}

function stepTask(): void {
  const [task] = tasks;
  if (task === undefined) return;
  steps ??= taskSteps(files, task);
  const current = steps;
  const over = report('task', () => current.next().done === true);
  if (over) {
    tasks.shift();
    steps = undefined;
  }
}

/** Reports, and is true, when `work` is over: it says so, or has failed. */
function report(what: Report['what'], work: () => boolean): boolean {
  let failure: Failure | undefined;
  try {
    if (!work()) return false;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    failure = { message, code };
  }
  port.postMessage({ what, failure } satisfies Report);
  return true;
}

function at(name: number): number {
  return control[name] as number;
}

/** What the main thread and the writer's thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { Durability, Task } from './files.ts';

/** Words of the shared control memory. The last four describe the write that is asked for. */
export const word = { wake: 0, writes: 1, buffer: 2, length: 3, fd: 4, position: 5 } as const;
export const controlBytes = 6 * Int32Array.BYTES_PER_ELEMENT;

/** Main to writer, beside the control words: rare, and taken in before each look at them. */
export type Order =
  | { readonly kind: 'lend'; readonly buffer: 0 | 1; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'end' };

export interface Failure {
  readonly message: string;
  readonly code: string | undefined;
}

/** Writer to main: the write, or the oldest task, is done. */
export interface Report {
  readonly what: 'write' | 'task';
  readonly failure: Failure | undefined;
}

export interface WriterThreadData {
  readonly control: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly durability: Durability;
}

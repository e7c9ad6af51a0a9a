import type { Greeting } from './handshake.ts';

/** Whoever a connection belongs to: first the greeter or a dial, then a link. */
export interface ConnectionOwner<Connection> {
  greeted(connection: Connection, greeting: Greeting): void;
  frame(frame: Uint8Array): void;
  /** The answer to a `probe`: it lives. If it does not, it is closed. */
  alive(): void;
  /** Less than half of the queue is left. */
  room(): void;
  /** Once, unless it was we who closed it. */
  closed(connection: Connection, why: string): void;
}

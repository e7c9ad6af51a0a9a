import type { Greeting } from './handshake.ts';

/** Whoever a connection belongs to: first the greeter or a way, then a link. */
export interface ConnectionOwner<Connection, Hello = Greeting> {
  greeted(connection: Connection, greeting: Hello): void;
  frame(frame: Uint8Array, channel: number): void;
  /** The answer to a `probe`: it lives. If it does not, it is closed. */
  alive(): void;
  /** Once, unless it was we who closed it. Without an error it was the other side who ended it. */
  closed(connection: Connection, why: string, error?: Error): void;
}

import {
  type ClientConnection,
  type ClientConnectionEvents,
  type ClientTransportLimits,
  FrameError,
} from '@rsl/core';
import type { ClientHello } from './client-handshake.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { SendQueue } from './outgoing.ts';
import type { ConnectionSurroundings } from './surroundings.ts';

/** Whoever keeps the connections of one listener or connector. */
export interface ClientConnectionKeeper {
  readonly around: ConnectionSurroundings;
  readonly limits: ClientTransportLimits;
  /** The other side has answered a dial. */
  answered(client: TcpClientConnection): void;
  /** Once, whoever ended it. */
  over(client: TcpClientConnection): void;
}

type Wire = Connection<ClientHello>;

/** A connection between a client and a replica, seen from either side. */
export class TcpClientConnection implements ClientConnection, ConnectionOwner<Wire, ClientHello> {
  readonly remote: string;
  readonly #keeper: ClientConnectionKeeper;
  #on: ClientConnectionEvents | undefined;
  #wire: Wire | undefined;
  #queue: SendQueue | undefined;
  #phase: 'dialing' | 'open' | 'over' = 'dialing';
  #frameBytesMax: number;

  constructor(remote: string, keeper: ClientConnectionKeeper) {
    this.remote = remote;
    this.#keeper = keeper;
    this.#frameBytesMax = keeper.limits.frameBytesMax;
  }

  /** Whoever hears of it from now on. */
  tell(on: ClientConnectionEvents): void {
    this.#on = on;
  }

  /** A dial has begun on this. */
  dials(wire: Wire): void {
    this.#wire = wire;
  }

  /** Both sides have said hello. */
  stands(wire: Wire, { frameBytesMax }: ClientHello): void {
    this.#wire = wire;
    this.#phase = 'open';
    this.#frameBytesMax = Math.min(frameBytesMax, this.#frameBytesMax);
    wire.owner = this;
    this.#queue = wire.newQueue(0, () => this.#on?.drain());
    wire.startFrames(frameBytesMax);
  }

  send(parts: readonly Uint8Array[]): boolean {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes === 0 || bytes > this.#frameBytesMax) {
      throw new RangeError(`a frame of ${bytes} bytes; 1 … ${this.#frameBytesMax} are possible`);
    }
    return this.#phase === 'open' && this.#queue?.send(parts) === true;
  }

  get queuedBytes(): number {
    return this.#phase === 'open' ? (this.#queue?.queuedBytes ?? 0) : 0;
  }

  pause(): void {
    if (this.#phase === 'open') this.#wire?.pause();
  }

  resume(): void {
    if (this.#phase === 'open') this.#wire?.resume();
  }

  close(): void {
    const stood = this.#phase === 'open';
    if (!this.#end()) return;
    if (stood) this.#wire?.finish();
    else this.#wire?.close();
  }

  /** Our own reason to end it at once, told as `closed`. */
  fail(error: Error): void {
    if (!this.#end()) return;
    this.#wire?.close();
    this.#on?.closed(error);
  }

  tick(): void {
    this.#wire?.tick();
  }

  // What the connection says to its owner.

  greeted(wire: Wire, hello: ClientHello): void {
    this.stands(wire, hello);
    this.#keeper.answered(this);
  }

  frame(frame: Uint8Array): void {
    try {
      this.#on?.frame(frame);
    } catch (error) {
      // Counted and logged like any other bytes that are no frame.
      if (error instanceof FrameError) throw error;
      const why = error instanceof Error ? error : new Error(String(error));
      const { remote } = this;
      const fields = { remote, error: String(why.stack ?? why.message) };
      const what = 'closed a connection: whoever was given its frame threw';
      this.#keeper.around.log.quietly('warn', `${remote} frame`, fields, what);
      this.fail(why);
    }
  }

  alive(): void {}

  closed(_: Wire, why: string, error?: Error): void {
    const stood = this.#phase === 'open';
    if (!this.#end()) return;
    this.#on?.closed(error ?? (stood ? undefined : new Error(`${this.remote}: ${why}`)));
  }

  #end(): boolean {
    if (this.#phase === 'over') return false;
    this.#phase = 'over';
    this.#keeper.over(this);
    return true;
  }
}

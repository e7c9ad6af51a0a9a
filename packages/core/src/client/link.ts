import { readFrame } from '../codec/frame.ts';
import { FrameError } from '../errors.ts';
import type { ClientConnection, ClientConnector } from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import {
  clientFrame,
  type ClientMessage,
  clientProtocolVersion,
  readClientMessage,
  type Welcome,
} from './client-messages.ts';
import type { ClientTimings } from './client-options.ts';
import { Rests } from './rests.ts';

export interface LinkEvents {
  /** A replica has let it in. */
  up(welcome: Welcome): void;
  /** What was sent and not answered may never be. */
  down(why: string): void;
  message(message: ClientMessage): void;
  /** There is room to send again. */
  drain(): void;
}

export interface LinkOptions {
  readonly group: string;
  readonly addresses: readonly string[];
  readonly connector: ClientConnector;
  readonly timings: ClientTimings;
  readonly clock: Clock;
  readonly random: Random;
  readonly on: LinkEvents;
}

/** One connection at a time, with whichever replica lets this client in; the leader, if it can. */
export class Link {
  readonly #options: LinkOptions;
  #connection: ClientConnection | undefined;
  #isUp = false;
  #isEnded = false;
  #address = '';
  /** Where to go next, if somebody has said so. */
  #hint = '';
  #next: number;
  #failures = 0;
  #dueMs = 0;
  #giveUpMs = Infinity;
  #upMs = 0;
  /** Where the leader is, as the replica says that it is connected to. */
  #leader = '';
  readonly #rests: Rests;
  #whyDown: Error | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#next = options.random.below(options.addresses.length);
    this.#rests = new Rests(options.timings);
  }

  /** Where it is connected, if it is. */
  get address(): string | undefined {
    return this.#isUp ? this.#address : undefined;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why there is no connection, as far as that is known. */
  get whyDown(): Error | undefined {
    return this.#isUp ? undefined : this.#whyDown;
  }

  /** False: nothing was sent; `drain` or `down` follows. */
  send(message: ClientMessage): boolean {
    return this.sendParts(clientFrame(message));
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    return this.#isUp && (this.#connection?.send(parts) ?? false);
  }

  /** Connects, gives up what takes too long, goes to the leader once that has rested. */
  onTick(): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#isEnded) return;
    if (this.#connection === undefined) {
      if (nowMs >= this.#dueMs) this.#dial(nowMs);
    } else if (nowMs >= this.#giveUpMs) {
      this.#drop('no welcome in time');
    } else if (this.#isUp) {
      this.#follow(nowMs);
    }
  }

  /** The leader takes clients in there, or nobody knows where: goes there, if that has rested. */
  onHint(address: string): void {
    this.#leader = address;
    this.#follow(this.#options.clock.nowMs());
  }

  #follow(nowMs: number): void {
    const leader = this.#leader;
    if (leader === '' || leader === this.#address || !this.#rests.isOver(leader, nowMs)) return;
    this.#hint = leader;
    this.#drop('the leader is elsewhere');
    this.#dueMs = nowMs;
    this.#dial(nowMs);
  }

  /** Of no use: tries another replica. */
  leave(why: string): void {
    this.#drop(why);
  }

  close(): void {
    this.#isEnded = true;
    this.#connection?.close();
    this.#connection = undefined;
    this.#isUp = false;
  }

  #dial(nowMs: number): void {
    const { addresses, connector, timings } = this.#options;
    this.#address = this.#hint === '' ? (addresses[this.#next] as string) : this.#hint;
    if (this.#hint === '') this.#next = (this.#next + 1) % addresses.length;
    this.#hint = '';
    this.#giveUpMs = nowMs + timings.connectTimeoutMs;
    let isOver = false;
    const only = (run: () => void): void => {
      if (!isOver && this.#connection === connection) run();
    };
    const connection = connector.connect(this.#address, {
      open: () => only(() => this.#greet(connection)),
      frame: (bytes) => only(() => this.#onFrame(bytes)),
      drain: () => only(() => this.#options.on.drain()),
      closed: (error) =>
        only(() => {
          isOver = true;
          this.#drop(error?.message ?? 'the replica closed the connection');
        }),
    });
    this.#connection = connection;
  }

  #greet(connection: ClientConnection): void {
    const { group } = this.#options;
    connection.send(clientFrame({ kind: 'hello', group, version: clientProtocolVersion }));
  }

  #onFrame(bytes: Uint8Array): void {
    const message = readClientMessage(readFrame(bytes));
    if (message.kind === 'refused') return this.#drop(`refused: ${message.reason}`);
    if (message.kind !== 'welcome') {
      if (!this.#isUp) throw new FrameError(`${message.kind} before a welcome`);
      return this.#options.on.message(message);
    }
    this.#isUp = true;
    this.#upMs = this.#options.clock.nowMs();
    this.#giveUpMs = Infinity;
    this.#failures = 0;
    this.#options.on.up(message);
    // The leader may be the one to ask; if it is not, its commands are forwarded there.
    this.onHint(message.leader);
  }

  #drop(why: string): void {
    const { clock, on, random, timings } = this.#options;
    const nowMs = clock.nowMs();
    const wasUp = this.#isUp;
    this.#rests.leave(this.#address, wasUp ? nowMs - this.#upMs : 0, nowMs);
    this.#whyDown = new Error(`${this.#address}: ${why}`);
    this.#leader = '';
    this.#connection?.close();
    this.#connection = undefined;
    this.#isUp = false;
    this.#giveUpMs = Infinity;
    const waitMs = Math.min(timings.retryMsMax, timings.retryMsMin * 2 ** this.#failures);
    this.#failures = Math.min(16, this.#failures + 1);
    this.#dueMs = nowMs + Math.ceil(waitMs / 2) + random.below(Math.ceil(waitMs / 2));
    if (wasUp) on.down(why);
  }
}

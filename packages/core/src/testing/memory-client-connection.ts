import type {
  ClientConnection,
  ClientConnectionEvents,
  ClientTransportLimits,
} from '../ports/client-transport.ts';
import type { Clock } from '../ports/clock.ts';

/** One way of one connection: of the listener at `address`, toward one of its sides. */
export interface ClientWay {
  readonly address: string;
  readonly toward: 'client' | 'replica';
}

/** What carries frames. */
interface Carrier {
  /** Runs it when something of that way arrives that is sent now. */
  carry(way: ClientWay, frame: Uint8Array, clock: Clock | undefined, run: () => void): void;
  /** Runs it once this turn is over. */
  soon(clock: Clock | undefined, run: () => void): void;
}

/** Who a side belongs to. */
interface Side {
  readonly clock: Clock | undefined;
  readonly limits: ClientTransportLimits;
}

/** Something on its way to the other side. */
interface Item {
  readonly bytes: number;
  arrived: boolean;
  readonly run: () => void;
}

const nothing = new Uint8Array(0);

/** One side of a connection in memory. What it sends arrives in order at the other, or is lost. */
export class MemoryClientConnection implements ClientConnection {
  remote: string;
  whenOver: () => void = () => {};
  readonly #carrier: Carrier;
  readonly #way: ClientWay;
  readonly #side: Side;
  #frameBytesMax: number;
  #other: MemoryClientConnection | undefined;
  #on: ClientConnectionEvents | undefined;
  /** What this side has sent and the other has not taken in. */
  #sent: Item[] = [];
  #queuedBytes = 0;
  /** For so many bytes there has to be room before `drain`; 0 if nobody waits for it. */
  #owedBytes = 0;
  #stands = false;
  #paused = false;
  #over = false;
  #delivering = false;

  constructor(carrier: Carrier, way: ClientWay, side: Side) {
    this.#carrier = carrier;
    this.#way = way;
    this.#side = side;
    this.remote = way.address;
    this.#frameBytesMax = side.limits.frameBytesMax;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get queuedBytes(): number {
    return this.#over ? 0 : this.#queuedBytes;
  }

  tell(on: ClientConnectionEvents): void {
    this.#on = on;
  }

  /** These two are one connection. It stands for this side, and for the other once it hears. */
  join(other: MemoryClientConnection, heard: () => void): void {
    this.#other = other;
    other.#other = this;
    const frameBytesMax = Math.min(this.#frameBytesMax, other.#frameBytesMax);
    this.#frameBytesMax = frameBytesMax;
    this.#stands = true;
    this.carry(() => {
      if (other.#over) return;
      other.#frameBytesMax = frameBytesMax;
      other.#stands = true;
      heard();
    });
  }

  send(parts: readonly Uint8Array[]): boolean {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes === 0 || bytes > this.#frameBytesMax) {
      throw new RangeError(`a frame of ${bytes} bytes; 1 … ${this.#frameBytesMax} are possible`);
    }
    const other = this.#other;
    if (this.#over || !this.#stands || other === undefined) return false;
    if (this.#queuedBytes + bytes > this.#side.limits.sendQueueBytesMax) {
      // If it is for want of a little, there is room by half already: then nothing else says so.
      if (this.#owedBytes === 0) this.#carrier.soon(this.#side.clock, () => this.#drainIfDue());
      this.#owedBytes = Math.max(this.#owedBytes, bytes);
      return false;
    }
    const frame = new Uint8Array(Buffer.concat(parts));
    this.#queuedBytes += bytes;
    this.#carry(frame, () => other.#receive(frame));
    return true;
  }

  /** What is no frame, and arrives in its order. */
  carry(run: () => void): void {
    this.#carry(nothing, run);
  }

  pause(): void {
    this.#paused = this.#stands;
  }

  resume(): void {
    const other = this.#other;
    if (!this.#paused || other === undefined) return;
    this.#paused = false;
    this.#carrier.soon(this.#side.clock, () => other.#deliver());
  }

  close(): void {
    const other = this.#other;
    if (!this.#end()) return;
    if (other !== undefined) this.carry(() => other.fail(undefined));
  }

  /** It is over for this side, which is told. */
  fail(error: Error | undefined): void {
    if (!this.#end()) return;
    this.#sent = [];
    this.#on?.closed(error);
  }

  /** It is over for both sides at once, with what is on its way. */
  break(error: Error): void {
    const other = this.#other;
    this.fail(error);
    if (other !== undefined) other.fail(error);
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.whenOver();
    // What it had not taken in is not waited for: the other side hears the end.
    const other = this.#other;
    if (this.#paused && other !== undefined) {
      this.#carrier.soon(this.#side.clock, () => other.#deliver());
    }
    return true;
  }

  #carry(frame: Uint8Array, run: () => void): void {
    const item: Item = { bytes: frame.length, arrived: false, run };
    this.#sent.push(item);
    this.#carrier.carry(this.#way, frame, this.#side.clock, () => {
      item.arrived = true;
      this.#deliver();
    });
  }

  /** Whatever has arrived and has nothing before it that has not. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let item = this.#next(); item !== undefined; item = this.#next()) {
        this.#sent.shift();
        this.#queuedBytes -= item.bytes;
        item.run();
      }
    } finally {
      this.#delivering = false;
    }
    this.#drainIfDue();
  }

  #next(): Item | undefined {
    const item = this.#sent[0];
    const other = this.#other;
    if (item?.arrived !== true) return undefined;
    return other !== undefined && other.#paused && !other.#over ? undefined : item;
  }

  #receive(frame: Uint8Array): void {
    // A side that had closed before the connection broke may still have something under way.
    if (this.#over) return;
    try {
      this.#on?.frame(frame);
    } catch (error) {
      const other = this.#other;
      this.fail(error instanceof Error ? error : new Error(String(error)));
      if (other !== undefined) this.carry(() => other.fail(undefined));
    }
  }

  #drainIfDue(): void {
    const { sendQueueBytesMax } = this.#side.limits;
    if (this.#owedBytes === 0 || this.#over) return;
    if (this.#queuedBytes * 2 > sendQueueBytesMax) return;
    if (this.#queuedBytes + this.#owedBytes > sendQueueBytesMax) return;
    this.#owedBytes = 0;
    this.#on?.drain();
  }
}

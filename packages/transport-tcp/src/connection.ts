import type { Socket } from 'node:net';
import { FrameError } from '@rsl/core';
import type { ClientTransportLimits } from '@rsl/core/protocol';
import { requires } from '@rsl/contracts';
import type { ConnectionOwner } from './connection-owner.ts';
import { type ControlType, FrameSplitter, WireViolation } from './framing.ts';
import type { Greeting } from './handshake.ts';
import { Liveness } from './liveness.ts';
import { type Batch, Outgoing, type OutgoingLimits, type SendQueue } from './outgoing.ts';
import type { ConnectionSurroundings } from './surroundings.ts';

/** Frames that wait leave at once when they are this many bytes; else at the end of the turn. */
const flushBytes = 64 * 1024;
/** How long a connection that is finished may take to send what it has. */
const lingerMs = 250;

/** Collects the greeting of the other side. */
export interface HelloReader<Hello> {
  /** The greeting and the bytes after it, or undefined while it is not whole. Throws FrameError. */
  push(chunk: Uint8Array): { readonly greeting: Hello; readonly rest: Uint8Array } | undefined;
}

/** What is said on a connection, and how much of it. */
export interface Speech<Hello> {
  readonly limits: ClientTransportLimits;
  newReader(): HelloReader<Hello>;
}

/**
 * One TCP connection: a greeting each way, then frames. Collects what is sent in a turn into one
 * write; notices silence; closes on the first byte that is not right.
 */
export class Connection<Hello = Greeting> {
  readonly remote: string;
  owner: ConnectionOwner<Connection<Hello>, Hello>;
  readonly #socket: Socket;
  readonly #around: ConnectionSurroundings;
  readonly #limits: ClientTransportLimits;
  readonly #outgoing: Outgoing;
  readonly #outgoingLimits: OutgoingLimits;
  readonly #greeting: HelloReader<Hello>;
  #splitter: FrameSplitter | undefined;
  #greeted = false;
  #over = false;
  #paused = false;
  /** The write that the kernel has not wholly taken, and how many were begun and ended. */
  #writing: Batch | undefined;
  #writesBegun = 0;
  #writesEnded = 0;
  #flushSoon = false;
  readonly #liveness: Liveness;
  #pingDue: number | undefined;
  #pongDue: number | undefined;

  constructor(
    socket: Socket,
    remote: string,
    speech: Speech<Hello>,
    around: ConnectionSurroundings,
    owner: ConnectionOwner<Connection<Hello>, Hello>,
  ) {
    this.#socket = socket;
    this.remote = remote;
    this.#limits = speech.limits;
    this.#greeting = speech.newReader();
    this.#around = around;
    this.owner = owner;
    this.#outgoingLimits = { ...speech.limits, frameBytesMax: 0 };
    this.#outgoing = new Outgoing(this.#outgoingLimits, around, () => this.#sendSoon());
    this.#liveness = new Liveness(around.settings, around.time.nowMs);
    around.sockets.add(socket);
    socket.once('close', () => {
      around.sockets.delete(socket);
      this.#end('closed by the other side');
    });
    socket.on('error', (error) => this.#end(error.message, error));
    socket.on('end', () => this.#end('closed by the other side'));
  }

  /**
   * Frames may follow, of at most so many bytes each (what the other side takes): of one channel,
   * 0, or of many, which `control` hears about.
   */
  startFrames(
    frameBytesMax: number,
    control?: (type: ControlType, channel: number, body: Uint8Array) => void,
  ): void {
    requires(() => this.#splitter === undefined, 'tcp-13 a connection is opened once');
    this.#outgoingLimits.frameBytesMax = Math.min(frameBytesMax, this.#limits.frameBytesMax);
    const { counters } = this.#around;
    this.#splitter = new FrameSplitter(this.#limits.frameBytesMax, {
      frame: (frame, channel) => {
        counters.framesIn += 1;
        this.owner.frame(frame, channel);
      },
      ping: (number) => this.#pinged(number),
      pong: (number) => {
        if (this.#liveness.answered(number)) this.owner.alive();
      },
      ...(control === undefined ? {} : { control }),
    });
  }

  /** Calls back when the socket is closed, whoever closed it. */
  whenGone(gone: () => void): void {
    this.#socket.once('close', gone);
  }

  greet(greeting: Uint8Array): void {
    if (!this.#over) this.#socket.write(greeting);
  }

  /** The frames of one channel; `room` follows a `send` that was refused. */
  newQueue(channel: number, room: () => void): SendQueue {
    return this.#outgoing.newQueue(channel, room);
  }

  /** Says something about a channel, before all frames that wait. */
  say(type: ControlType, channel: number, body: Uint8Array): void {
    this.#outgoing.say(type, channel, body);
  }

  /** Of what was said about channels, what no write has begun with. */
  get controlBytes(): number {
    return this.#outgoing.controlBytes;
  }

  /** Reads no more. What has been read by then still comes; nobody is declared dead meanwhile. */
  pause(): void {
    if (this.#over) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    this.#liveness.heard(this.#around.time.nowMs);
    this.#socket.resume();
  }

  /** Asks for a sign of life: `alive` is called, or the connection is closed. */
  probe(timeoutMs: number): void {
    this.#ping(this.#liveness.probe(this.#around.time.nowMs, timeoutMs));
  }

  cancelProbe(): void {
    this.#liveness.cancelProbe();
  }

  tick(): void {
    if (this.#over || this.#splitter === undefined) return;
    const { nowMs } = this.#around.time;
    if (this.#paused) {
      // We do not read its pings, and still live; an answer to none asks for none.
      if (this.#liveness.isQuiet(nowMs)) this.#pinged(this.#pongDue ?? this.#liveness.sign(nowMs));
      return;
    }
    const verdict = this.#liveness.look(nowMs);
    if (verdict === 'ping') this.#ping(this.#liveness.ping(nowMs));
    else if (verdict !== 'fine') this.#end(verdict.dead, new Error(verdict.dead));
  }

  /** Closes without a word to its owner, and drops what is queued. */
  close(): void {
    this.#over = true;
    this.#splitter?.stop();
    this.#outgoing.clear();
    this.#socket.destroy();
  }

  /** Closes without a word to its owner once what is queued is sent, or a moment later. */
  finish(last?: Uint8Array): void {
    if (this.#over) return;
    if (last !== undefined) this.greet(last);
    this.#over = true;
    this.#splitter?.stop();
    for (;;) {
      // Behind the write under way: the socket keeps them in order.
      this.#outgoing.isWriting = false;
      const batch = this.#nextBatch();
      if (batch === undefined) break;
      this.#writePieces(batch, () => {});
    }
    this.#outgoing.clear();
    // What still comes is read and thrown away: unread bytes would turn our farewell into a reset.
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
    this.#socket.end();
    this.#around.sockets.linger(this.#socket, this.#around.time.nowMs + lingerMs);
  }

  /** Takes what the socket has read; the bytes are valid only during the call. */
  received(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#around.counters.bytesIn += bytes.length;
    this.#liveness.heard(this.#around.time.nowMs);
    try {
      if (this.#splitter !== undefined) this.#splitter.push(bytes);
      else this.#receivedGreeting(bytes);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Bytes that are no frame: counted, logged, closed. */
  violation(error: FrameError): void {
    const inFrames = this.#splitter === undefined ? 'handshake' : 'refused';
    const reason = error instanceof WireViolation ? error.reason : inFrames;
    this.#around.counters.add(`invalid.${reason}`);
    this.#around.log.quietly(
      'warn',
      `${this.#socket.remoteAddress} ${reason}`,
      { code: error.code, peer: this.remote, reason, error: error.message },
      'closed a connection: what came is no frame',
    );
    this.#end(error.message, error);
  }

  #receivedGreeting(bytes: Uint8Array): void {
    if (this.#greeted) throw new WireViolation('early', 'bytes before the answer to a handshake');
    const whole = this.#greeting.push(bytes);
    if (whole === undefined) return;
    this.#greeted = true;
    this.owner.greeted(this, whole.greeting);
    if (whole.rest.length > 0 && !this.#over) {
      if (this.#splitter === undefined) throw new WireViolation('early', 'bytes after a handshake');
      this.#splitter.push(whole.rest);
    }
  }

  #failed(error: unknown): void {
    if (error instanceof FrameError) {
      this.violation(error);
      return;
    }
    // Not the peer's fault: whoever was given a frame threw, and the stream has lost its place.
    this.#end(`the receiver of a frame threw ${String(error)}`, new Error(String(error)));
    throw error;
  }

  #end(why: string, error?: Error): void {
    if (this.#over) return;
    this.close();
    this.owner.closed(this, why, error);
  }

  #ping(number: number | undefined): void {
    this.#pingDue = number ?? this.#pingDue;
    this.#flushAtEndOfTurn();
  }

  #pinged(number: number): void {
    // Only the last one is answered: a flood of pings makes us keep nothing.
    this.#pongDue = number;
    this.#flushAtEndOfTurn();
  }

  #sendSoon(): void {
    const { front, waitingBytes } = this.#outgoing;
    const much = front.bytes + waitingBytes >= flushBytes;
    if (much && this.#writing === undefined && !this.#over) this.#write();
    else this.#flushAtEndOfTurn();
  }

  #flushAtEndOfTurn(): void {
    if (this.#flushSoon || this.#writing !== undefined) return;
    this.#flushSoon = true;
    this.#around.flusher.add(this);
  }

  /** The end of a turn: everything that was queued in it leaves in one write. */
  flush(): void {
    this.#flushSoon = false;
    if (this.#over) return;
    if (this.#writing === undefined) this.#write();
    this.#outgoing.noticeRoom();
  }

  #write(): void {
    const batch = this.#nextBatch();
    if (batch === undefined) return;
    this.#writing = batch;
    this.#writesBegun += 1;
    this.#around.counters.bytesOut += batch.bytes;
    this.#around.counters.writes += 1;
    this.#writePieces(batch, this.#written);
    // Nothing left in the stream: the kernel took it all during the call.
    if (this.#socket.writableLength === 0) this.#taken();
    if (this.#writing === undefined && this.#outgoing.hasMore) this.#flushAtEndOfTurn();
  }

  #nextBatch(): Batch | undefined {
    const batch = this.#outgoing.next(this.#pongDue, this.#pingDue);
    this.#pongDue = this.#pingDue = undefined;
    return batch;
  }

  #writePieces({ pieces }: Batch, done: () => void): void {
    const last = pieces.length - 1;
    if (last > 0) this.#socket.cork();
    for (const [i, { bytes }] of pieces.entries()) {
      if (i < last) this.#socket.write(bytes);
      else this.#socket.write(bytes, done);
    }
    if (last > 0) this.#socket.uncork();
  }

  readonly #written = (): void => {
    this.#writesEnded += 1;
    if (this.#over || this.#writesEnded !== this.#writesBegun || this.#writing === undefined)
      return;
    // The kernel was full and has room again, so the other side has taken some: a sign of life.
    this.#liveness.heard(this.#around.time.nowMs);
    this.#taken();
    this.#write();
    if (!this.#over) this.#outgoing.noticeRoom();
  };

  #taken(): void {
    const batch = this.#writing;
    this.#writing = undefined;
    if (batch !== undefined && !this.#over) this.#outgoing.written(batch);
  }
}

import type { Socket } from 'node:net';
import type { ReadLevel } from '@rsl/core';
import { Args } from '../args.ts';
import { BundleWriter, commandLength } from '../bundle/bundle-writer.ts';
import { hasArity, Refusal, type StateCommand } from '../commands/command.ts';
import { ReplyWriter, type RespVersion } from '../resp/reply-writer.ts';
import { RequestParser } from '../resp/request-parser.ts';
import type { Slab } from '../resp/slab.ts';
import { ProtocolError } from '../resp/protocol-error.ts';
import { wrongArity } from '../state/replies.ts';
import { allCommands } from './all-commands.ts';
import type {
  ClientContext,
  Command,
  PatientCommand,
  ServerContext,
} from './connection-command.ts';
import { Output } from './output.ts';
import { Pipeline } from './pipeline.ts';
import { unknownCommand } from './unknown-command.ts';
import { StallDetector } from './stall-detector.ts';
import { Watches } from './watches.ts';

/** One client: takes its bytes in, hands its commands on, and bounds what it may take up. */
export class Connection implements ClientContext {
  readonly id: number;
  readonly address: string;
  readonly connectedAtMs = Date.now();
  readonly server: ServerContext;
  name = '';
  libraryName = '';
  libraryVersion = '';
  version: RespVersion = 2;
  readLevel: ReadLevel = 'linearizable';

  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly #output: Output;
  readonly #pipeline: Pipeline;
  readonly #scratch: ReplyWriter;
  /** The commands since MULTI; undefined outside a transaction. */
  #queued: BundleWriter | undefined;
  #queueIsBroken = false;
  #watches = new Watches();
  #isPumping = false;
  #inputHasEnded = false;
  /** Nothing more is read; the connection closes when all is answered. */
  #isEnding = false;
  #isClosed = false;
  #heldBytes = 0;
  readonly #stall = new StallDetector();

  constructor(id: number, socket: Socket, slab: Slab, server: ServerContext) {
    this.id = id;
    this.server = server;
    this.address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.#socket = socket;
    this.#parser = new RequestParser(server.limits);
    this.#output = new Output(socket, slab, server.limits, () => {
      this.#pipeline.drained();
      this.#pump();
    });
    this.#scratch = new ReplyWriter(slab, server.limits.outputBytesMax);
    this.#pipeline = new Pipeline(server.replica, server.machine, server.limits, this.#output, {
      room: () => this.#pump(),
      overflow: () => this.#drop(),
    });
    socket.on('data', (chunk) => {
      if (this.#isEnding) return;
      this.#parser.push(chunk);
      this.#pump();
    });
    socket.on('end', () => {
      this.#inputHasEnded = true;
      this.#pump();
    });
  }

  get #hasRoom(): boolean {
    return this.#pipeline.hasRoom && !this.#output.isFull;
  }

  closeSoon(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** To be called when the socket is closed. */
  closed(): void {
    this.#isClosed = true;
    this.#pipeline.close();
    this.server.counters.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
  }

  /** Closes the connection if its client shows no sign of life although it is its turn. */
  sweep(): void {
    const untaken = this.#output.pendingBytes;
    const isHalf = this.#parser.midway || this.#isEnding;
    const isItsTurn = untaken > 0 || (isHalf && this.#pipeline.isIdle);
    if (this.#stall.sweep(isItsTurn, this.#socket.bytesRead - untaken)) this.#drop();
  }

  /** Takes in as many commands as there is room for, and starts what can be started. */
  #pump(): void {
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    try {
      while (this.#hasRoom && !this.#isEnding) {
        if (this.#parser.next()) this.#dispatch();
        else if (this.#inputHasEnded) this.#isEnding = true;
        else break;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#hangUp(error.message);
    } finally {
      this.#isPumping = false;
    }
    this.#pipeline.advance();
    this.#account();
    if (this.#isEnding) this.#end();
    else if (this.#hasRoom) this.#socket.resume();
    else this.#socket.pause();
  }

  /** All connections together may hold so much; whoever asks for more has to go. */
  #account(): void {
    const { counters, limits } = this.server;
    const heldBytes = this.#isClosed ? 0 : this.#parser.heldBytes + this.#pipeline.pendingBytes;
    counters.heldBytes += heldBytes - this.#heldBytes;
    const grew = heldBytes > this.#heldBytes;
    this.#heldBytes = heldBytes;
    if (!grew || counters.heldBytes <= limits.heldBytesMax || this.#isEnding) return;
    this.#hangUp(
      `RSL_OVERLOADED clients have sent ${counters.heldBytes} bytes that wait to be executed, ` +
        `more than the ${limits.heldBytesMax} that this server holds; try again later`,
    );
  }

  /** Says why, after everything before it, and closes. */
  #hangUp(text: string): void {
    this.server.counters.closed++;
    this.#refuse(text);
    this.#isEnding = true;
  }

  #drop(): void {
    if (this.#isClosed) return;
    this.#isEnding = true;
    this.server.counters.closed++;
    this.#socket.destroy();
  }

  #end(): void {
    this.#socket.resume();
    if (!this.#pipeline.isIdle) return;
    this.#output.flush();
    this.#socket.end();
  }

  #dispatch(): void {
    const { args, nameStart, nameEnd } = this.#parser;
    this.server.counters.commands++;
    const command = allCommands.find(args.bytes, nameStart, nameEnd);
    if (command === undefined) return this.#meetUnknown(nameStart, nameEnd);
    if (!hasArity(command, args.count + 1)) {
      this.#queueIsBroken = true;
      return this.#refuse(wrongArity(command.name));
    }
    if (this.#queued === undefined) this.#take(command);
    else this.#takeInTransaction(command, this.#queued);
  }

  #take(command: Command): void {
    const { args } = this.#parser;
    switch (command.kind) {
      case 'write':
        return this.#pipeline.write(command.id, args, this.version);
      case 'timed':
        if (this.readLevel !== 'linearizable') return this.#read(command);
        return this.#pipeline.write(command.id, args, this.version);
      case 'read':
        return this.#read(command);
      case 'pure':
        if (command.name === 'unwatch') this.#watches = new Watches();
        return this.#reply((reply) => command.execute(this.server.machine.keyspace, args, reply));
      case 'connection':
        return this.#reply((reply) => command.run(this, args, reply));
      case 'patient':
        return this.#wait(command);
      case 'slot':
        return this.#pipeline.slot(this.version);
      case 'multi':
        this.#queued = new BundleWriter(this.version, 0);
        this.#queueIsBroken = false;
        return this.#reply((reply) => reply.simple('OK'));
      case 'watch':
        return this.#watch();
      case 'exec':
      case 'discard':
        return this.#refuse(`ERR ${command.name.toUpperCase()} without MULTI`);
    }
  }

  #takeInTransaction(command: Command, queued: BundleWriter): void {
    switch (command.kind) {
      case 'multi':
        return this.#refuse('ERR MULTI calls can not be nested');
      case 'watch':
        return this.#refuse('ERR WATCH inside MULTI is not allowed');
      case 'discard':
        this.#endTransaction();
        return this.#reply((reply) => reply.simple('OK'));
      case 'exec':
        return this.#exec(queued);
      case 'slot':
      case 'patient':
      case 'connection':
        if (command.name === 'quit') return this.#take(command);
        this.#queueIsBroken = true;
        return this.#refuse('ERR Command not allowed inside a transaction');
      case 'write':
      case 'timed':
      case 'read':
      case 'pure':
        return this.#queue(command, queued);
    }
  }

  #queue(command: StateCommand, queued: BundleWriter): void {
    const { args } = this.#parser;
    const { commandBytesMax } = this.server.limits;
    if (queued.length + commandLength(args) + 8 > commandBytesMax) {
      this.#queueIsBroken = true;
      return this.#refuse(`ERR a transaction may have at most ${commandBytesMax} bytes`);
    }
    queued.add(command.id, args);
    this.#reply((reply) => reply.simple('QUEUED'));
  }

  #exec(queued: BundleWriter): void {
    const watches = this.#watches;
    const isBroken = this.#queueIsBroken;
    this.#endTransaction();
    if (isBroken) {
      return this.#refuse('EXECABORT Transaction discarded because of previous errors.');
    }
    if (queued.count > 0 || !watches.isEmpty) {
      return this.#pipeline.exec(queued, watches, this.version);
    }
    this.#reply((reply) => reply.array(0));
  }

  #endTransaction(): void {
    this.#queued = undefined;
    this.#queueIsBroken = false;
    this.#watches = new Watches();
  }

  #watch(): void {
    const keys = this.#parser.args.texts(0);
    const bytes = keys.reduce((sum, key) => sum + key.length + 16, this.#watches.bytes);
    const { commandBytesMax } = this.server.limits;
    if (bytes > commandBytesMax / 4) {
      return this.#refuse(`ERR watched keys may have at most ${commandBytesMax / 4} bytes`);
    }
    this.#watches.bytes = bytes;
    this.#pipeline.watch(keys, this.#watches, this.version);
  }

  #wait(command: PatientCommand): void {
    // The parser goes on with its own; these are few, and short.
    const args = new Args();
    args.clear(Buffer.from(this.#parser.args.texts(0).join(''), 'latin1'));
    let end = 0;
    for (const { length } of this.#parser.args.texts(0)) args.add(end, (end += length));
    this.#pipeline.patient(() => command.run(this.server, args), this.version);
  }

  #read(command: StateCommand): void {
    this.#pipeline.read(command.id, this.#parser.args, this.readLevel, this.version);
  }

  #meetUnknown(nameStart: number, nameEnd: number): void {
    const { args } = this.#parser;
    const name = args.bytes.toString('latin1', nameStart, nameEnd);
    this.#queueIsBroken = true;
    // A browser that was led here would go on with what somebody else put into its request.
    if (/^(post|host:)$/i.test(name)) return this.#drop();
    this.#refuse(unknownCommand(name, args));
  }

  #refuse(text: string): void {
    this.#reply((reply) => reply.error(text));
  }

  /** Replies at once if nothing is pending, else when the turn of this command comes. */
  #reply(write: (reply: ReplyWriter) => void): void {
    const isNext = this.#pipeline.isIdle;
    const writer = isNext ? this.#output.reply : this.#scratch;
    writer.version = this.version;
    try {
      write(writer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      writer.error(error.message);
    }
    if (writer.overflowed) return this.#drop();
    if (isNext) this.#output.schedule();
    else this.#pipeline.reply(writer.take());
  }
}

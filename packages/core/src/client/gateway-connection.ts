import type { ReadLevel, Replica } from '../api.ts';
import { readFrame } from '../codec/frame.ts';
import { checkSegment, commandsIn, type SessionPart } from '../codec/segment.ts';
import { FrameError, InvalidOptionError } from '../errors.ts';
import { QueryFailedError, ResultGoneError } from '../session-errors.ts';
import type { ClientConnection, ClientConnectionEvents } from '../ports/client-transport.ts';
import type { Logger } from '../ports/logger.ts';
import { encodeName } from '../sessions/control.ts';
import { type SessionName, sessionIdOf, sessionNameOf } from '../sessions/session-name.ts';
import { unreachable } from '../unreachable.ts';
import {
  type Ask,
  type ClientCommands,
  clientFrame,
  type ClientMessage,
  clientProtocolVersion,
  type Hello,
  type Question,
  readClientMessage,
} from './client-messages.ts';
import { problemOf } from './problem.ts';
import { ResultQueue } from './result-queue.ts';

export interface GatewayParts {
  readonly replica: Pick<Replica, 'barrier' | 'executedThrough' | 'limits' | 'relay' | 'status'>;
  readonly connection: ClientConnection;
  readonly query: ((question: Uint8Array) => Uint8Array) | undefined;
  readonly leader: () => string;
  readonly commandsMax: number;
  readonly logger: Logger;
  readonly soon: (run: () => void) => void;
  readonly ended: () => void;
}

const timeoutMsMax = 2 ** 31 - 1;
const nothing = new Uint8Array(0);

/** One client that is connected to this replica. */
export class GatewayConnection implements ClientConnectionEvents {
  readonly #parts: GatewayParts;
  readonly #results = new ResultQueue();
  /** What found no room, in order; not results. */
  #left: ClientMessage[] = [];
  #hasGreeted = false;
  #isEnded = false;
  #isPaused = false;
  #flushDue = false;
  #waiting = 0;
  isWatching = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  // ---- the connection

  frame(bytes: Uint8Array): void {
    const message = readClientMessage(readFrame(bytes));
    if (message.kind === 'hello') return this.#onHello(message);
    if (!this.#hasGreeted) throw new FrameError('a client that does not say which group it wants');
    if (message.kind === 'commands') return this.#onCommands(message);
    if (message.kind === 'ask') return void this.#onAsk(message);
    throw new FrameError(`a client says ${message.kind}`);
  }

  drain(): void {
    this.#flush();
  }

  closed(): void {
    this.#isEnded = true;
    this.#results.clear();
    this.#left = [];
    this.#parts.ended();
  }

  end(): void {
    if (this.#isEnded) return;
    this.closed();
    this.#parts.connection.close();
  }

  // ---- what the gateway says by itself

  onLeader(address: string): void {
    if (this.#hasGreeted) this.#say({ kind: 'leader', address });
  }

  onStatus(bytes: Uint8Array): void {
    // Whoever does not keep up misses some: the next says as much.
    if (this.#left.length === 0) this.#say({ kind: 'status', bytes });
  }

  // ---- what the client says

  #onHello({ group, version }: Hello): void {
    const { group: ours, self } = this.#parts.replica.status();
    const { leader, replica } = this.#parts;
    if (group !== ours || version !== clientProtocolVersion) {
      const is = `this is group ${ours}, version ${clientProtocolVersion}`;
      const reason = `${is}; asked for ${group.slice(0, 128)}, version ${version}`;
      this.#say({ kind: 'refused', reason });
      return this.end();
    }
    this.#hasGreeted = true;
    const { commandBytesMax } = replica.limits;
    this.#say({ kind: 'welcome', replica: self, leader: leader(), commandBytesMax });
  }

  #onCommands({ segment, timeoutMs }: ClientCommands): void {
    const header = checkSegment(segment);
    const { session } = header;
    if (session === undefined || header.bytes !== segment.length || header.count === 0) {
      throw new FrameError('commands of no session');
    }
    const commands = [...commandsIn(segment, header)];
    this.#count(commands.length);
    const { firstSequence, acknowledged } = session;
    const part = { session: sessionIdOf(session), firstSequence, acknowledged };
    const results = {
      result: (i: number, result: Uint8Array) => this.#onResult(session, firstSequence + i, result),
      error: (i: number, error: unknown) => this.#onFailed(session, firstSequence + i, error),
    };
    try {
      this.#parts.replica.relay.propose(part, commands, results, bounded(timeoutMs));
    } catch (error) {
      for (let i = 0; i < commands.length; i += 1) results.error(i, error);
    }
  }

  #onResult(session: SessionName, sequence: number, result: Uint8Array): void {
    if (this.#isEnded) return;
    this.#count(-1);
    this.#results.add(session, sequence, result);
    this.#schedule();
  }

  #onFailed({ slot, offset }: SessionName, sequence: number, error: unknown): void {
    if (this.#isEnded) return;
    this.#count(-1);
    this.#say({ kind: 'failed', slot, offset, sequence, problem: problemOf(error) });
  }

  async #onAsk({ bytes, number, question, timeoutMs }: Ask): Promise<void> {
    this.#count(1);
    try {
      const answer = await this.#answer(question, bytes, bounded(timeoutMs));
      if (!this.#isEnded) this.#say({ kind: 'answer', number, ...answer });
    } catch (error) {
      if (!this.#isEnded) this.#say({ kind: 'denied', number, problem: problemOf(error) });
    }
    if (!this.#isEnded) this.#count(-1);
  }

  async #answer(
    question: Question,
    bytes: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly slot: number; readonly bytes: Uint8Array }> {
    const { relay } = this.#parts.replica;
    switch (question.what) {
      case 'open': {
        const name = sessionNameOf(await relay.open(question.ttlMs, options));
        return { slot: 0, bytes: name === undefined ? nothing : encodeName(name) };
      }
      case 'use':
        await relay.use(question.session, question.acknowledged, options);
        return { slot: 0, bytes: nothing };
      case 'close':
        await relay.close(question.session, options);
        return { slot: 0, bytes: nothing };
      case 'query':
        return this.#query(question.level, bytes, options);
      case 'status':
        return { slot: 0, bytes: Buffer.from(JSON.stringify(this.#parts.replica.status())) };
      case 'watch':
        this.isWatching = question.on;
        return { slot: 0, bytes: nothing };
      default:
        return unreachable(question);
    }
  }

  /** From the state as it is then, which reflects the very slot that is told. */
  async #query(
    level: string | { readonly atLeast: number },
    question: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly slot: number; readonly bytes: Uint8Array }> {
    const { query, replica } = this.#parts;
    if (query === undefined) throw new QueryFailedError('this replica answers no queries');
    await replica.barrier(levelOf(level), options);
    try {
      // More may have been executed since: who never reads what is older must be told of that.
      return { slot: replica.executedThrough, bytes: query(question) };
    } catch (error) {
      throw new QueryFailedError(String(error), { cause: error });
    }
  }

  // ---- flow

  /** More is taken in only while there is room for what it brings. */
  #count(more: number): void {
    this.#waiting += more;
    const { connection, commandsMax } = this.#parts;
    const isFull = this.#waiting >= commandsMax || this.#left.length > 0;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) connection.pause();
    else connection.resume();
  }

  #say(message: ClientMessage): void {
    if (this.#isEnded) return;
    if (this.#left.length > 0 || !this.#send(message)) this.#left.push(message);
    if (this.#left.length > 0) this.#count(0);
  }

  /** True if nothing is to come again. An answer that fits in no frame is denied. */
  #send(message: ClientMessage): boolean {
    const { connection } = this.#parts;
    try {
      return connection.send(clientFrame(message));
    } catch (error) {
      if (!(error instanceof RangeError) || message.kind !== 'answer') throw error;
      const { number } = message;
      const tooLarge = new QueryFailedError(`the answer is too large: ${error.message}`);
      return connection.send(clientFrame({ kind: 'denied', number, problem: problemOf(tooLarge) }));
    }
  }

  #schedule(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#parts.soon(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isEnded) return;
    while (this.#left.length > 0) {
      const [next] = this.#left;
      if (next === undefined || !this.#send(next)) return;
      this.#left.shift();
    }
    this.#results.flush((parts, run) => this.#sendResults(parts, run));
    this.#count(0);
  }

  /** True if nothing is to come again. */
  #sendResults(parts: readonly Uint8Array[], run: SessionPart): boolean {
    try {
      return this.#parts.connection.send(parts);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const gone = new ResultGoneError('executed; its result is too large for a frame');
      const { firstSequence: sequence, offset, slot } = run;
      this.#say({ kind: 'failed', slot, offset, sequence, problem: problemOf(gone) });
      return true;
    }
  }
}

const bounded = (timeoutMs: number): { readonly timeoutMs: number } => ({
  timeoutMs: Math.min(timeoutMsMax, Math.max(1, timeoutMs)),
});

function levelOf(level: string | { readonly atLeast: number }): ReadLevel {
  if (typeof level === 'object' || level === 'linearizable' || level === 'local') return level;
  const known = 'linearizable, local or { atLeast: slot }';
  throw new InvalidOptionError('level', `${known}, not ${level.slice(0, 40)}`);
}

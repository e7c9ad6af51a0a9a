import type { Lane, PeerIdentity } from '@rsl/core/protocol';
import { invariant } from '@rsl/contracts';
import type { Connection } from './connection.ts';
import type { Greeting } from './handshake.ts';

/** Both lanes to one peer, dialed by the same side, votes first. */
export class Link {
  /** Counted by the side that dialed it. */
  readonly number: number;
  readonly ours: boolean;
  readonly peer: PeerIdentity;
  readonly votes: Connection;
  readonly #instance: number;
  /** Until when the bulk lane has to follow. */
  readonly #deadlineMs: number;
  #bulk: Connection | undefined;
  #upSinceMs: number | undefined;

  /** `greeting` is the hello or the welcome of its votes lane. */
  constructor(whose: 'ours' | 'theirs', votes: Connection, greeting: Greeting, deadlineMs: number) {
    this.number = greeting.link;
    this.ours = whose === 'ours';
    this.peer = { id: greeting.from, store: greeting.store };
    this.votes = votes;
    this.#instance = greeting.instance;
    this.#deadlineMs = deadlineMs;
  }

  get bulk(): Connection | undefined {
    return this.#bulk;
  }

  set bulk(bulk: Connection) {
    invariant(() => this.#bulk === undefined, 'tcp-3 a link has one connection for each lane');
    this.#bulk = bulk;
  }

  get isUp(): boolean {
    return this.#upSinceMs !== undefined;
  }

  cameUp(nowMs: number): void {
    invariant(
      () => this.#bulk !== undefined && !this.isUp,
      'tcp-4 a link is up once, with both lanes',
    );
    this.#upSinceMs = nowMs;
  }

  upForMs(nowMs: number): number {
    return this.#upSinceMs === undefined ? 0 : nowMs - this.#upSinceMs;
  }

  /** Whether a greeting comes from the process at the other end. */
  isWith({ store, instance }: Greeting): boolean {
    return store === this.peer.store && instance === this.#instance;
  }

  /** Whether a hello opens the bulk lane that is missing. */
  isContinuedBy(hello: Greeting): boolean {
    const missing = !this.ours && this.#bulk === undefined;
    return missing && hello.link === this.number && this.isWith(hello);
  }

  uses(connection: Connection): boolean {
    return connection === this.votes || connection === this.#bulk;
  }

  send(lane: Lane, parts: readonly Uint8Array[]): boolean {
    if (this.#upSinceMs === undefined) return false;
    const connection = lane === 'votes' ? this.votes : this.#bulk;
    return connection?.send(parts) ?? false;
  }

  get queuedBytes(): number {
    return this.votes.queuedBytes + (this.#bulk?.queuedBytes ?? 0);
  }

  /** Gives the reason if the link has to end. A lane that dies says so to its owner itself. */
  tick(nowMs: number): string | undefined {
    if (!this.isUp) {
      return nowMs < this.#deadlineMs ? undefined : 'the bulk lane did not follow in time';
    }
    this.votes.tick();
    this.#bulk?.tick();
    return undefined;
  }

  close(): void {
    this.votes.close();
    this.#bulk?.close();
  }

  /** Sends what is queued before it closes. */
  finish(): void {
    this.votes.finish();
    this.#bulk?.finish();
  }
}

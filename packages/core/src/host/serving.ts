import type { Effect } from '../paxos/effect.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { VolatileMessage } from '../paxos/messages.ts';
import type { LogStore } from '../ports/log-store.ts';

type Serve = Extract<Effect, { kind: 'serve' }>;

/**
 * Reads the log for replicas that are far behind, this one among them if it has found its state
 * again: one read at a time for each, no queue.
 */
export class Serving {
  readonly #log: LogStore;
  readonly #failed: (error: unknown) => void;
  readonly #send: (to: ReplicaId, message: VolatileMessage) => void;
  readonly #busy = new Set<ReplicaId>();

  constructor(
    log: LogStore,
    send: (to: ReplicaId, message: VolatileMessage) => void,
    failed: (error: unknown) => void,
  ) {
    this.#log = log;
    this.#failed = failed;
    this.#send = send;
  }

  /**
   * The caller has made sure that what was released is durable: a slot may be released, and its log
   * still show an older vote. Whoever asks again while its read runs is not heard: it will ask
   * once more.
   */
  serve({ to, fromSlot, through, bytesMax, firstSlot, decidedThrough }: Serve): void {
    if (this.#busy.has(to)) return;
    this.#busy.add(to);
    this.#log.read(fromSlot, through, bytesMax).then(
      (stored) => {
        this.#busy.delete(to);
        const values = stored.map(({ value }) => value);
        this.#send(to, { kind: 'learn-reply', fromSlot, values, firstSlot, decidedThrough });
      },
      // Truncated meanwhile, or damaged: somebody else may have it.
      (error: unknown) => {
        this.#busy.delete(to);
        this.#failed(error);
      },
    );
  }
}

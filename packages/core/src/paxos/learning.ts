import type { Acceptor } from './acceptor.ts';
import { CatchUp } from './catch-up.ts';
import type { Learner } from './learner.ts';
import type { ReplicaId } from './membership.ts';
import type { LearnReply, LearnRequest } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Settings } from './settings.ts';
import type { Value } from './value.ts';

/**
 * Decided values are facts of the log, whatever ballot or configuration: any replica serves them,
 * from its released prefix only, and asks any other for those that it missed (R1).
 */
export class Learning {
  readonly #settings: Settings;
  readonly #others: readonly ReplicaId[];
  readonly #acceptor: Acceptor;
  readonly #learner: Learner;
  readonly #catchUp: CatchUp;

  constructor(
    settings: Settings,
    others: readonly ReplicaId[],
    acceptor: Acceptor,
    learner: Learner,
  ) {
    this.#settings = settings;
    this.#others = others;
    this.#acceptor = acceptor;
    this.#learner = learner;
    this.#catchUp = new CatchUp(settings.timings.learnRetryMs);
  }

  /** Asks for the first slot that is known to be decided and is not here, the leader first. */
  ask(leader: ReplicaId | undefined, patienceMs: number, nowMs: number, out: Outbox): void {
    const fromSlot = this.#learner.releasedThrough + 1;
    if (this.#learner.knownThrough < fromSlot) return;
    const sources = [...this.#others].sort((a, b) => Number(b === leader) - Number(a === leader));
    const of = this.#catchUp.due(fromSlot, sources, patienceMs, nowMs);
    if (of === undefined) return;
    const bytesMax = this.#settings.limits.partBytesMax;
    out.send(of, { kind: 'learn-request', fromSlot, bytesMax });
  }

  /** From memory where it can be, else from the log. Who asks for more than is here gets nothing. */
  onRequest(from: ReplicaId, { fromSlot, bytesMax }: LearnRequest, out: Outbox): void {
    const { firstSlot } = this.#acceptor;
    const decidedThrough = this.#learner.releasedThrough;
    if (fromSlot > decidedThrough) return;
    const max = Math.min(bytesMax, this.#settings.limits.partBytesMax);
    if (fromSlot >= firstSlot && fromSlot < this.#learner.cacheFirstSlot) {
      const slots = { fromSlot, through: decidedThrough, bytesMax: max };
      return out.add({ kind: 'serve', to: from, ...slots, firstSlot, decidedThrough });
    }
    const values: Value[] = [];
    let bytes = 0;
    for (let slot = fromSlot; slot >= firstSlot && slot <= decidedThrough; slot += 1) {
      const value = this.#learner.valueOf(slot);
      if (value === undefined) break;
      bytes += value.bytes.length;
      if (values.length > 0 && bytes > max) break;
      values.push(value);
    }
    out.send(from, { kind: 'learn-reply', fromSlot, values, firstSlot, decidedThrough });
  }

  /** True if it answers what was asked with something, so that more may be asked for at once. */
  onReply(from: ReplicaId, reply: LearnReply, out: Outbox): boolean {
    const more = this.#catchUp.onReply(from, reply);
    this.#learner.hearThrough(reply.decidedThrough);
    const need = this.#learner.releasedThrough + 1;
    if (reply.values.length === 0 && reply.firstSlot > need) {
      out.add({ kind: 'behind', need, peer: from });
    }
    return more;
  }
}

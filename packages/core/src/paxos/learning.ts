import { ensures, old, requires } from '@rsl/contracts';
import type { Acceptor } from './acceptor.ts';
import { CatchUp } from './catch-up.ts';
import { persistsOf } from './contracts/acceptor-state.ts';
import type { Executor } from './executor.ts';
import type { Learner } from './learner.ts';
import type { LogRecord } from './log-record.ts';
import type { ReplicaId } from './membership.ts';
import type { LearnReply, LearnRequest } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Proposer } from './proposer.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';
import { sameValue, type Value } from './value.ts';

export interface LearningParts {
  readonly others: readonly ReplicaId[];
  readonly acceptor: Acceptor;
  readonly executor: Executor;
  readonly learner: Learner;
  readonly proposer: Proposer;
}

/**
 * Decided values are facts of the log, whatever ballot or configuration: any replica serves them,
 * from its released prefix only, and asks any other for those that it missed (R1).
 */
export class Learning {
  readonly #settings: Settings;
  readonly #parts: LearningParts;
  readonly #catchUp: CatchUp;

  constructor(settings: Settings, parts: LearningParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#catchUp = new CatchUp(settings.timings.learnRetryMs);
  }

  /** A 2a that overtakes another leaves a gap for a moment: it is given half a heartbeat. */
  onTick(leader: ReplicaId | undefined, nowMs: number, out: Outbox): void {
    this.#ask(leader, this.#settings.timings.heartbeatMs / 2, nowMs, out);
  }

  /** From memory where it can be, else from the log. Nothing for what is not decided here. */
  onRequest(from: ReplicaId, { fromSlot, bytesMax }: LearnRequest, out: Outbox): void {
    const { firstSlot } = this.#parts.acceptor;
    const decidedThrough = this.#parts.learner.releasedThrough;
    if (fromSlot > decidedThrough) return;
    const max = Math.min(bytesMax, this.#settings.limits.partBytesMax);
    if (fromSlot >= firstSlot && fromSlot < this.#parts.learner.cacheFirstSlot) {
      const slots = { fromSlot, through: decidedThrough, bytesMax: max };
      return out.add({ kind: 'serve', to: from, ...slots, firstSlot, decidedThrough });
    }
    const values: Value[] = [];
    let bytes = 0;
    for (let slot = fromSlot; slot >= firstSlot && slot <= decidedThrough; slot += 1) {
      const value = this.#parts.learner.valueOf(slot);
      if (value === undefined) break;
      bytes += value.bytes.length;
      if (values.length > 0 && bytes > max) break;
      values.push(value);
    }
    ensures(
      () => values.length === 0 || fromSlot >= firstSlot,
      'learn-1 nothing is served that was truncated here (R1)',
    );
    ensures(
      () => fromSlot + values.length - 1 <= decidedThrough,
      'learn-2 nothing is served but the released prefix (R1)',
    );
    out.send(from, { kind: 'learn-reply', fromSlot, values, firstSlot, decidedThrough });
  }

  /** True if this leader has proposed something else there, or nothing yet (P8). */
  deposes({ fromSlot, values }: LearnReply): boolean {
    return values.some((value, i) => this.#parts.proposer.contradicts(fromSlot + i, value));
  }

  /** Learns what is new, durably, and asks for more at once if that was what it waited for. */
  onReply(
    from: ReplicaId,
    reply: LearnReply,
    leader: ReplicaId | undefined,
    nowMs: number,
    out: Outbox,
  ): void {
    const { acceptor, learner } = this.#parts;
    requires(
      () => !this.deposes(reply),
      'learn-3 a leader that is contradicted has stepped down before it learns (P8)',
    );
    const need = learner.releasedThrough + 1;
    const isAnswer = this.#catchUp.onReply(from, reply);
    learner.hearThrough(reply.decidedThrough);
    if (reply.values.length === 0 && reply.firstSlot > need) {
      out.add({ kind: 'behind', need, peer: from });
    }
    for (const [i, value] of reply.values.entries())
      this.#learn(reply.fromSlot + i, value, nowMs, out);
    if (!isAnswer) return;
    learner.release(acceptor.votes, out);
    acceptor.forgetReleased();
    if (learner.releasedThrough >= need) this.#ask(leader, 0, nowMs, out);
  }

  #learn(slot: Slot, value: Value, nowMs: number, out: Outbox): void {
    const { acceptor, learner, proposer } = this.#parts;
    const known = learner.valueOf(slot);
    if (known !== undefined && !sameValue(known, value)) {
      return out.add({ kind: 'alarm', what: `two values are decided in slot ${slot}` });
    }
    if (learner.isDecided(slot)) return;
    if (slot > learner.releasedThrough + this.#settings.limits.voteAheadSlotsMax) return;
    const mark = old(() => out.length);
    out.persist([{ kind: 'decided', slot, value }]);
    learner.decide(slot, value);
    acceptor.forget(slot);
    ensures(
      () => persistsOf(out.since(mark)).some(({ records: [one] }) => isDecided(one, slot, value)),
      'learn-4 what is learned is written as decided (P11)',
    );
    ensures(
      () => !acceptor.votes.has(slot) && !acceptor.lost.has(slot),
      'learn-5 a learned slot has no vote left',
    );
    proposer.onLearned(nowMs);
  }

  /** Asks for the first slot that is known to be decided and is not here, the leader first. */
  #ask(leader: ReplicaId | undefined, patienceMs: number, nowMs: number, out: Outbox): void {
    const { executor, learner, others, proposer } = this.#parts;
    const fromSlot = learner.releasedThrough + 1;
    if (learner.knownThrough < fromSlot || executor.stoppedAt !== undefined) return;
    // A leader's own proposals become decided by counting, not by asking.
    if (proposer.isLeading && fromSlot >= proposer.base) return;
    const sources = [...others].sort((a, b) => Number(b === leader) - Number(a === leader));
    const of = this.#catchUp.due(fromSlot, sources, patienceMs, nowMs);
    if (of === undefined) return;
    out.send(of, { kind: 'learn-request', fromSlot, bytesMax: this.#settings.limits.partBytesMax });
  }
}

function isDecided(record: LogRecord | undefined, slot: Slot, value: Value): boolean {
  return record?.kind === 'decided' && record.slot === slot && record.value === value;
}

import type { BatchReader } from '../codec/batch.ts';
import { OverloadedError, RslError } from '../errors.ts';
import { ResultGoneError, SessionExpiredError } from '../session-errors.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Results } from '../ports/state-machine.ts';
import { sessionLimits } from '../sessions/session-limits.ts';
import type { Proposals } from './proposals.ts';
import type { Refusal, SlotPlan } from './slot-plan.ts';

/** Takes the results of one slot, and gives them to this replica's callers once it is executed. */
export class Deliveries implements Results {
  readonly #self: ReplicaId;
  readonly #reader: BatchReader;
  readonly #plan: SlotPlan;
  readonly #proposals: Proposals;
  /** For each command of the slot the caller's sequence, or 0 if it is nobody's here. */
  #sequences = new Float64Array(16);
  #hasOwn = false;
  pushed = 0;

  constructor(self: ReplicaId, reader: BatchReader, plan: SlotPlan, proposals: Proposals) {
    this.#self = self;
    this.#reader = reader;
    this.#plan = plan;
    this.#proposals = proposals;
  }

  begin(live: boolean): void {
    this.pushed = 0;
    this.#hasOwn = false;
    if (live) this.#findOwn();
  }

  wanted(i: number): boolean {
    return this.#plan.isKept(i) || this.#isOwn(this.#plan.placeOf(i));
  }

  push(result: Uint8Array): void {
    const i = this.pushed;
    this.pushed = i + 1;
    if (i < this.#plan.count && this.wanted(i)) this.#plan.answer(i, result);
  }

  /** `skipped`: why what has no answer has none; without it, nobody waits for it here. */
  deliver(skipped?: RslError): void {
    if (!this.#hasOwn) return;
    this.#hasOwn = false;
    for (let place = 0; place < this.#reader.count; place += 1) {
      const sequence = this.#sequences[place] as number;
      if (sequence === 0) continue;
      const answer = this.#plan.answerAt(place) ?? skipped;
      if (answer === undefined) continue;
      if (answer instanceof RslError) this.#proposals.refuse(sequence, answer);
      else if (typeof answer === 'string') this.#proposals.refuse(sequence, errorOf(answer));
      else this.#proposals.resolve(sequence, answer);
    }
  }

  #isOwn(place: number): boolean {
    return this.#hasOwn && (this.#sequences[place] as number) > 0;
  }

  #findOwn(): void {
    const { count, segments } = this.#reader;
    const { epoch } = this.#proposals;
    const isOwn = (s: { origin: number; epoch: number }): boolean =>
      s.origin === this.#self && s.epoch === epoch;
    this.#hasOwn = segments.some(isOwn);
    if (!this.#hasOwn) return;
    if (this.#sequences.length < count) this.#sequences = new Float64Array(2 * count);
    let at = 0;
    for (const segment of segments) {
      const { firstSequence } = segment;
      const own = isOwn(segment);
      for (let i = 0; i < segment.count; i += 1) {
        const sequence = firstSequence + i;
        this.#sequences[at + i] = own && this.#proposals.wants(sequence) ? sequence : 0;
      }
      at += segment.count;
    }
  }
}

function errorOf(refusal: Refusal): RslError {
  const { sessionsMax, sessionWindowMax } = sessionLimits;
  switch (refusal) {
    case 'expired':
      return new SessionExpiredError('this session has ended; open another one');
    case 'gone':
      return new ResultGoneError('executed before, and its result is not kept any more');
    case 'sessions':
      return new OverloadedError('sessionsMax', `${sessionsMax} sessions are open; try later`);
    case 'window':
      return new OverloadedError(
        'sessionWindowMax',
        `more than ${sessionWindowMax} results of this session are not acknowledged, or more ` +
          'bytes of them than are kept; wait for results before sending more',
      );
  }
}

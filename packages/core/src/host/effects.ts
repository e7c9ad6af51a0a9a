import type { Emit } from '../events.ts';
import type { Effect } from '../paxos/effect.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../ports/log-store.ts';
import { unreachable } from '../unreachable.ts';
import type { Barriers } from './barriers.ts';
import type { Counters } from './counters.ts';
import type { Execution } from './execution.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Leading } from './leading.ts';
import type { Metrics } from './metrics.ts';
import type { Outbound } from './outbound.ts';
import type { Serving } from './serving.ts';

export interface EffectsParts {
  readonly commit: GroupCommit;
  readonly outbound: Outbound;
  readonly execution: Execution;
  readonly barriers: Barriers;
  readonly leading: Leading;
  readonly metrics: Metrics;
  readonly serving: Serving;
  readonly log: LogStore;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly emit: Emit;
  /** Nothing is begun any more. */
  readonly isStopped: () => boolean;
}

/** Does what a protocol asks for, and decides nothing. */
export class Effects {
  readonly #parts: EffectsParts;

  constructor(parts: EffectsParts) {
    this.#parts = parts;
  }

  perform(effect: Effect): void {
    const { barriers, commit, counters, execution, leading, log } = this.#parts;
    const { logger, metrics, outbound } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        return commit.add(effect.records, effect.then);
      case 'send':
        return outbound.message(effect.to, effect.message);
      case 'execute':
        metrics.decided(effect.slot);
        execution.execute(effect.slot, effect.value, true);
        return barriers.executed(effect.slot);
      case 'reject':
        return counters.count('valuesRejected');
      case 'read-ready':
        return barriers.ready(effect.read, execution.executedThrough);
      case 'serve':
        return this.#whenDurable(() => this.#parts.serving.serve(effect));
      case 'behind':
        return counters.count('behind');
      case 'stopped':
        return;
      case 'truncate-log':
        return this.#whenDurable(() => log.truncate(effect.before));
      case 'leading':
        counters.count('leading');
        return leading.begin(effect.ballot);
      case 'recovered':
        counters.count('recovered');
        return leading.recover(effect.ballot);
      case 'following':
        leading.end();
        metrics.notLeading();
        return this.#parts.emit('following', { leader: effect.leader });
      case 'alarm':
        counters.count('alarms');
        return logger.error({ what: effect.what }, 'alarm');
      default:
        return unreachable(effect);
    }
  }

  /** Once everything that this turn writes is durable. */
  #whenDurable(run: () => void): void {
    this.#parts.commit.whenDurable(() => {
      if (!this.#parts.isStopped()) run();
    });
  }
}

import { requires } from '@rsl/contracts';
import type { Effect } from '../paxos/effect.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { LayerCodec } from '../ports/layer.ts';
import type { Logger } from '../ports/logger.ts';
import type { LogStore } from '../ports/log-store.ts';
import { unreachable } from '../unreachable.ts';
import type { Counters } from './counters.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Application } from './halves.ts';
import type { Metrics } from './metrics.ts';
import type { Outbound } from './outbound.ts';
import type { Serving } from './serving.ts';

export interface EffectsParts {
  readonly commit: GroupCommit;
  readonly outbound: Outbound;
  readonly application: Application;
  readonly metrics: Metrics;
  readonly serving: Serving;
  readonly log: LogStore;
  readonly layers: ReadonlyMap<number, LayerCodec>;
  readonly counters: Counters;
  readonly logger: Logger;
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
    const { application, commit, counters, log, logger, metrics, outbound } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        return commit.add(effect.records, effect.then);
      case 'send':
        return outbound.message(effect.to, effect.message);
      case 'execute':
        metrics.decided(effect.slot);
        return application.execute(effect.slot, effect.value);
      case 'reject':
        return counters.count('valuesRejected');
      case 'read-ready':
        return application.readReady(effect.read);
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
        return application.leading.begin(effect.ballot);
      case 'recovered':
        counters.count('recovered');
        return application.leading.recover(effect.ballot);
      case 'following':
        application.leading.end();
        metrics.notLeading();
        return application.emit('following', { leader: effect.leader });
      case 'alarm':
        counters.count('alarms');
        return logger.error({ what: effect.what }, 'alarm');
      case 'installed':
        return application.installed(effect.slot);
      case 'layer-send':
        return this.#sendLayers(effect.channel, effect.to, effect.message);
      case 'layer-order':
        return application.order(effect.channel, effect.order);
      default:
        return unreachable(effect);
    }
  }

  #sendLayers(channel: number, to: ReplicaId, message: object): void {
    const codec = this.#parts.layers.get(channel);
    requires(() => codec !== undefined, 'effect-1 a layer speaks on its own channel only');
    if (codec !== undefined) this.#parts.outbound.layer(to, channel, codec, message);
  }

  /** Once everything that this turn writes is durable. */
  #whenDurable(run: () => void): void {
    this.#parts.commit.whenDurable(() => {
      if (!this.#parts.isStopped()) run();
    });
  }
}

import { type Effect, kindOf, type Membership } from '@rsl/core/protocol';
import type { Order } from './words.ts';

/**
 * What the half beside the state machine has to know of the protocol: pure, of the layer. Both are
 * taken from effects, in their places among the slots: the membership in a snapshot is the one of
 * the slot after it, not the newest that somebody has heard of (R8).
 */
export class Telling {
  #membership: Membership | undefined;
  #leads = false;

  /** To be ordered right before this effect, if anything. */
  before(effect: Effect): Order | undefined {
    switch (effect.kind) {
      case 'execute':
        return this.#governs(effect);
      case 'leading':
        return this.#tellLeads(true);
      case 'following':
        return this.#tellLeads(false);
      default:
        return undefined;
    }
  }

  #governs({ membership, slot, value }: Effect & { kind: 'execute' }): Order | undefined {
    const isKnown = membership === this.#membership;
    // Whatever governs the slot after a stop is said anew.
    this.#membership = kindOf(value) === 'stop' ? undefined : membership;
    return isKnown ? undefined : { kind: 'governs', from: slot, membership };
  }

  #tellLeads(leads: boolean): Order | undefined {
    if (leads === this.#leads) return undefined;
    this.#leads = leads;
    return { kind: 'leads', leads };
  }
}

import type { Founding } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { BesideHost, BesideLayer, Layer, LayerAnswer, LayerOrder } from '../ports/layer.ts';
import type { PortContext } from '../ports/port.ts';
import type { KeptState } from './recovery.ts';

export interface BesidesHost extends Omit<BesideHost, 'answer'> {
  answer(channel: number, answer: LayerAnswer): void;
}

/** The halves of layers beside the state machine, by their channels. */
export class Besides implements KeptState {
  readonly #host: BesidesHost;
  readonly #layers = new Map<number, BesideLayer>();

  private constructor(host: BesidesHost) {
    this.#host = host;
  }

  /** Opens all of them, or leaves none open. */
  static async open(
    layers: readonly Layer[],
    context: PortContext,
    host: BesidesHost,
  ): Promise<Besides> {
    const besides = new Besides(host);
    try {
      for (const { beside, channel } of layers)
        besides.#layers.set(channel, await beside.open(context));
      return besides;
    } catch (error) {
      await besides.close();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#layers.size === 0;
  }

  async begin(firstSlot: Slot): Promise<'stateless' | void> {
    const host = this.#host;
    let begun: 'stateless' | undefined;
    for (const [channel, layer] of this.#layers) {
      const answer = (what: LayerAnswer): void => host.answer(channel, what);
      const fail = (error: Error): void => host.fail(error);
      const founded = (on: Founding): void => host.founded(on);
      const { founding, group, state } = host;
      const given = { state, group, founding, founded, answer, fail };
      const own = await layer.begin(given, firstSlot);
      if (own !== undefined) begun = own;
    }
    return begun;
  }

  executed(slot: Slot, value: Value): void {
    for (const layer of this.#layers.values()) layer.executed(slot, value);
  }

  order(channel: number, order: LayerOrder): void {
    this.#layers.get(channel)?.order(order);
  }

  async close(): Promise<void> {
    for (const layer of this.#layers.values()) await layer.close();
  }
}

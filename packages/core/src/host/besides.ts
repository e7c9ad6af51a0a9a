import type { BesideHost, BesideLayer, Layer, LayerAnswer } from '../ports/layer.ts';
import type { PortContext } from '../ports/port.ts';
import type { Slot } from '../paxos/slot.ts';

/** The halves of layers beside the state machine. */
export interface Besides {
  readonly byChannel: ReadonlyMap<number, BesideLayer>;
  close(): Promise<void>;
}

export interface BesidesHost extends Omit<BesideHost, 'answer'> {
  answer(channel: number, answer: LayerAnswer): void;
}

/**
 * Opens them, and lets each bring the state machine to where the log goes on, or further; or leaves
 * nothing open. `firstSlot` is the first that the log keeps.
 */
export async function openBesides(
  layers: readonly Layer[],
  context: PortContext,
  { answer, ...host }: BesidesHost,
  firstSlot: Slot,
): Promise<Besides> {
  const byChannel = new Map<number, BesideLayer>();
  const close = async (): Promise<void> => {
    for (const beside of byChannel.values()) await beside.close();
  };
  try {
    for (const { beside, channel } of layers) {
      const opened = await beside.open(context);
      byChannel.set(channel, opened);
      await opened.begin({ ...host, answer: (what) => answer(channel, what) }, firstSlot);
    }
    return { byChannel, close };
  } catch (error) {
    await close();
    throw error;
  }
}

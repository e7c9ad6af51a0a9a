import { crc32 } from 'node:zlib';
import type {
  BesideHost,
  BesideLayer,
  Effect,
  EngineLayer,
  Input,
  Layer,
  LayerCodec,
  Protocol,
  Slot,
} from '@rsl/core/protocol';

interface Said {
  readonly text: string;
}

/** What a replica's gossip has seen, in its order. */
export type Seen =
  | { readonly kind: 'heard'; readonly from: number; readonly text: string }
  | { readonly kind: 'connection'; readonly with: number; readonly up: boolean }
  | { readonly kind: 'executed'; readonly slot: Slot };

export const gossipChannel = 77;

const codec: LayerCodec = {
  kindOf: () => 1,
  laneOf: () => 'votes',
  write(message, out) {
    const bytes = Buffer.from((message as Said).text);
    out.value({ bytes, checksum: crc32(bytes) });
  },
  read: (frame) =>
    frame.kind === 1
      ? { text: Buffer.from(frame.values.nextBytes(frame.fields)).toString() }
      : undefined,
};

/** Says to all others what it is told to, and tells what it has heard. */
class Gossip implements Protocol {
  readonly #inner: Protocol;

  constructor(inner: Protocol) {
    this.#inner = inner;
  }

  get view(): Protocol['view'] {
    return this.#inner.view;
  }

  get isIdle(): boolean {
    return this.#inner.isIdle;
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    const channel = gossipChannel;
    switch (input.kind) {
      case 'layer-answer': {
        const message = input.answer;
        return this.view.membership.members.map(({ id: to }) => {
          return { kind: 'layer-send', channel, to, message } as const;
        });
      }
      case 'layer-message': {
        const { from, message } = input;
        const order = { kind: 'heard', from, text: (message as Said).text };
        return [{ kind: 'layer-order', channel, order }];
      }
      case 'connection':
        return [{ kind: 'layer-order', channel, order: { ...input } }];
      default:
        return this.#inner.step(input, nowMs);
    }
  }
}

/** The half beside the state machine: the test's hands and eyes. */
export class GossipBeside implements BesideLayer {
  readonly seen: Seen[] = [];
  isClosed = false;
  #host: BesideHost | undefined;

  async begin(host: BesideHost): Promise<void> {
    this.#host = host;
    // Before there is anybody to say it to: it must not get lost on the way to the other half.
    host.answer({ text: 'I begin' });
  }

  say(text: string): void {
    this.#host?.answer({ text });
  }

  fail(error: Error): void {
    this.#host?.fail(error);
  }

  order(order: object): void {
    this.seen.push(order as Seen);
  }

  executed(slot: Slot): void {
    this.seen.push({ kind: 'executed', slot });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

export function gossip(beside: GossipBeside): Layer {
  const engine: EngineLayer = {
    codec,
    wrap: (inner) => (membership, restored) => new Gossip(inner(membership, restored)),
  };
  return {
    name: 'gossip',
    channel: gossipChannel,
    engine: { open: async () => engine },
    beside: { open: async () => beside },
  };
}

import { FrameWriter, type Envelope } from '../codec/frame.ts';
import { type HostMessage, hostMessageKinds, writeHostMessage } from '../codec/host-codec.ts';
import { messageKinds, writeMessage } from '../codec/message-codec.ts';
import { fingerprintOf } from '../codec/membership-codec.ts';
import { type Membership, noGroup, type ReplicaId } from '../paxos/membership.ts';
import type { Message } from '../paxos/messages.ts';
import type { LayerCodec } from '../ports/layer.ts';
import type { Endpoint, Lane } from '../ports/transport.ts';

/** Encodes messages and gives them to the transport. One message for many is encoded once. */
export class Outbound {
  readonly #endpoint: () => Endpoint | undefined;
  readonly #writer = new FrameWriter();
  #envelope: Envelope = { group: noGroup, configuration: 0, fingerprint: 0 };
  #last: Message | undefined;
  #lastParts: readonly Uint8Array[] = [];
  sent = 0;
  dropped = 0;

  constructor(endpoint: () => Endpoint | undefined) {
    this.#endpoint = endpoint;
  }

  get envelope(): Envelope {
    return this.#envelope;
  }

  /** Every frame from now on says this. */
  configure(membership: Membership): void {
    const { group, number: configuration } = membership;
    this.#envelope = { group, configuration, fingerprint: fingerprintOf(membership) };
    this.#last = undefined;
  }

  message(to: ReplicaId, message: Message): void {
    if (message !== this.#last) {
      const [channel, kind] = messageKinds[message.kind];
      this.#writer.begin(channel, kind, this.#envelope);
      writeMessage(message, this.#writer);
      this.#lastParts = this.#writer.end();
      this.#last = message;
    }
    this.#send(to, carriesValues(message) ? 'bulk' : 'votes', this.#lastParts);
  }

  /** Nothing keeps the last message's values alive once its turn is over. */
  turnEnd(): void {
    this.#last = undefined;
    this.#lastParts = [];
  }

  host(to: ReplicaId, message: HostMessage): void {
    const [channel, kind] = hostMessageKinds[message.kind];
    this.#writer.begin(channel, kind, this.#envelope);
    writeHostMessage(message, this.#writer);
    this.#send(to, message.kind === 'forward' ? 'bulk' : 'votes', this.#writer.end());
  }

  layer(to: ReplicaId, channel: number, codec: LayerCodec, message: object): void {
    this.#last = undefined;
    this.#writer.begin(channel, codec.kindOf(message), this.#envelope);
    codec.write(message, this.#writer);
    this.#send(to, codec.laneOf(message), this.#writer.end());
  }

  #send(to: ReplicaId, lane: Lane, parts: readonly Uint8Array[]): void {
    const taken = this.#endpoint()?.send(to, lane, parts) ?? false;
    if (taken) this.sent += 1;
    else this.dropped += 1;
  }
}

/** Heartbeats, votes and their answers overtake values (L1). */
export function carriesValues({ kind }: Message): boolean {
  return kind === '2a' || kind === '1b' || kind === 'learn-reply';
}

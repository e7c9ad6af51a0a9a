import {
  clientFrame,
  type ClientMessage,
  type ClientMessageKind,
  readClientMessage,
} from '../src/client/client-messages.ts';
import { readFrame } from '../src/codec/frame.ts';
import type {
  ClientConnection,
  ClientConnectionEvents,
  ClientConnector,
} from '../src/ports/client-transport.ts';

/** One connection of a client, the other side of which the test plays. */
export class PlayedReplica {
  readonly address: string;
  readonly on: ClientConnectionEvents & { open(): void };
  readonly heard: ClientMessage[] = [];
  isClosed = false;
  /** False: nothing more is taken. */
  hasRoom = true;
  frameBytesMax = Infinity;

  constructor(address: string, on: ClientConnectionEvents & { open(): void }) {
    this.address = address;
    this.on = on;
  }

  say(message: ClientMessage): void {
    this.on.frame(Uint8Array.from(Buffer.concat(clientFrame(message))));
  }

  welcome(leader = ''): void {
    this.on.open();
    this.say({ kind: 'welcome', replica: 7, leader, commandBytesMax: 1_000 });
  }

  /** What it has heard of this kind since the last call. */
  take<K extends ClientMessageKind>(kind: K): (ClientMessage & { kind: K })[] {
    const taken = this.heard.filter((m): m is ClientMessage & { kind: K } => m.kind === kind);
    for (const message of taken) this.heard.splice(this.heard.indexOf(message), 1);
    return taken;
  }
}

/** Every connection that a client has tried, oldest first. */
export class PlayedReplicas implements ClientConnector {
  readonly all: PlayedReplica[] = [];

  get last(): PlayedReplica {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error('nobody has dialed');
    return last;
  }

  connect(address: string, on: PlayedReplica['on']): ClientConnection {
    const replica = new PlayedReplica(address, on);
    this.all.push(replica);
    return {
      remote: address,
      queuedBytes: 0,
      send: (parts) => {
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        if (bytes > replica.frameBytesMax) throw new RangeError(`a frame of ${bytes} bytes`);
        if (!replica.hasRoom) return false;
        replica.heard.push(readClientMessage(readFrame(Uint8Array.from(Buffer.concat(parts)))));
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => void (replica.isClosed = true),
    };
  }
}

import type { Lane, LocalIdentity, ReplicaId } from '@rsl/core/protocol';
import { requires } from '@rsl/contracts';
import type { Connection } from './connection.ts';
import type { Refusal } from './handshake.ts';
import type { Introduction } from './joining.ts';
import type { SendQueue } from './outgoing.ts';

/** What owners of channels ask of a link. */
export interface ChannelLink {
  readonly votes: Connection;
  /** Once it is up. */
  readonly bulkLane: Connection;
  readonly isUp: boolean;
  /** Asks for a replica of a group at the other end; undefined if the link has ended. */
  join(local: LocalIdentity, asked: ReplicaId, owner: ChannelOwner): Channel | undefined;
  /** Says yes. The channel is up once the other side has heard it. */
  accept(offer: Offer, local: LocalIdentity, owner: ChannelOwner): Channel;
  refuse(offer: Offer, reason: Refusal): void;
  /** The offer waits; its owner hears if it is withdrawn. */
  keep(offer: Offer, owner: ChannelOwner): void;
  /** The channel is over. */
  forget(channel: Channel): void;
  /** Asks for a sign of life: `alive` is called, or the link ends. */
  probe(owner: ProbeOwner): void;
  cancelProbe(owner: ProbeOwner): void;
}

/** Whoever wants to know whether a link lives. */
export interface ProbeOwner {
  alive(link: ChannelLink): void;
}

/** One group's frames on a link, both lanes. */
export class Channel {
  readonly link: ChannelLink;
  readonly number: number;
  readonly group: string;
  /** We have joined, and the other side has answered. */
  readonly ours: boolean;
  readonly owner: ChannelOwner;
  /** Until when the other side has to answer our join, or our answer to its. */
  readonly deadlineMs: number;
  readonly #votes: SendQueue;
  readonly #bulk: SendQueue;
  /** Who is at the other end; undefined while our join has no answer. */
  #peer: Introduction | undefined;
  #phase: 'joining' | 'accepted' | 'up' | 'over';
  #upSinceMs: number | undefined;

  constructor(
    link: ChannelLink,
    about: { readonly number: number; readonly group: string; readonly peer?: Introduction },
    owner: ChannelOwner,
    deadlineMs: number,
  ) {
    this.link = link;
    this.number = about.number;
    this.group = about.group;
    this.ours = about.peer === undefined;
    this.owner = owner;
    this.deadlineMs = deadlineMs;
    this.#peer = about.peer;
    this.#phase = this.ours ? 'joining' : 'accepted';
    const room = (): void => {
      if (this.#phase === 'up') owner.room();
    };
    this.#votes = link.votes.newQueue(this.number, room);
    this.#bulk = link.bulkLane.newQueue(this.number, room);
  }

  get peer(): Introduction | undefined {
    return this.#peer;
  }

  get phase(): 'joining' | 'accepted' | 'up' | 'over' {
    return this.#phase;
  }

  /** Whether somebody is the one at the other end. */
  isWith({ id, store, instance }: Introduction): boolean {
    const peer = this.#peer;
    return peer?.id === id && peer.store === store && peer.instance === instance;
  }

  /** Frames may go. */
  cameUp(nowMs: number, peer: Introduction): void {
    requires(
      () => this.#phase === 'joining' || this.#phase === 'accepted',
      'tcp-4 a channel is up once',
    );
    this.#peer = peer;
    this.#phase = 'up';
    this.#upSinceMs = nowMs;
    if (this.ours) this.link.votes.say('opened', this.number, new Uint8Array(0));
  }

  /** It has been up, and may be over. */
  get wasUp(): boolean {
    return this.#upSinceMs !== undefined;
  }

  upForMs(nowMs: number): number {
    return this.#upSinceMs === undefined ? 0 : nowMs - this.#upSinceMs;
  }

  send(lane: Lane, parts: readonly Uint8Array[]): boolean {
    return this.#phase === 'up' && (lane === 'votes' ? this.#votes : this.#bulk).send(parts);
  }

  get queuedBytes(): number {
    return this.#votes.queuedBytes + this.#bulk.queuedBytes;
  }

  /** Ends it, behind its frames on the votes lane. The owner is not told. */
  leave(): void {
    if (this.#phase === 'over') return;
    // Behind its own frames, or, while it has none, behind its own join or answer.
    if (this.#phase === 'up') this.#votes.say('leave');
    else this.link.votes.say('leave', this.number, new Uint8Array(0));
    this.#bulk.drop();
    this.over();
  }

  /** The other side has ended it, or the link has ended. */
  over(): void {
    this.#phase = 'over';
    this.link.forget(this);
  }
}

/** Whoever a channel belongs to. */
export interface ChannelOwner extends ProbeOwner {
  /** Our join is answered. */
  joined(channel: Channel, peer: Introduction): void;
  /** Our join is refused, for a reason of this code; the channel is over. */
  refused(channel: Channel, code: number): void;
  /** The other side has our answer to its join. */
  opened(channel: Channel): void;
  frame(channel: Channel, frame: Uint8Array): void;
  /** The other side has left; the channel is over. */
  left(channel: Channel): void;
  /** Its link has ended, and the channel with it. */
  broke(channel: Channel, why: string): void;
  /** It was asked to, and does not wait any more. */
  withdrawn(offer: Offer): void;
  /** A `send` was refused, and there is room now. */
  room(): void;
}

/** Somebody has joined, and has no answer yet. */
export interface Offer {
  readonly link: ChannelLink;
  readonly number: number;
  readonly group: string;
  readonly peer: Introduction;
  /** Set while it waits. */
  owner?: ChannelOwner;
}

import { FrameError } from '@rsl/core';
import type { LocalIdentity, ReplicaId } from '@rsl/core/protocol';
import { invariant } from '@rsl/contracts';
import {
  Channel,
  type ChannelLink,
  type ChannelOwner,
  type Offer,
  type ProbeOwner,
} from './channel.ts';
import type { Connection } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { channelMax, type ControlType, WireViolation } from './framing.ts';
import { type Greeting, type Refusal, refusals } from './handshake.ts';
import { noteRefused } from './introduction.ts';
import {
  decodeJoin,
  decodeJoined,
  decodeRefused,
  encodeJoin,
  encodeJoined,
  encodeRefused,
} from './joining.ts';
import type { Surroundings } from './surroundings.ts';

/** Answers to joins that the other side does not take. */
export const controlBytesMax = 1024 * 1024;

/** Whoever a link belongs to. */
export interface LinkHost {
  readonly around: Surroundings;
  /** Both lanes stand. */
  cameUp(link: Link): void;
  /** It has ended, once; its channels have not been told yet. */
  broke(link: Link, why: string): void;
  /** The answer to our hello on the bulk lane, which is no welcome. */
  bulkRefused(link: Link, bulk: Connection, greeting: Greeting): string | undefined;
  /** Somebody joins: to be accepted, refused, or kept waiting. */
  offered(offer: Offer): void;
}

/**
 * Both lanes to one process, dialed by the same side, votes first; and on them the channels of the
 * groups. Whoever dialed gives odd numbers to the channels that it joins, the other side even ones,
 * each number once in the life of the link: what comes late for a channel that is over is told
 * from what was never joined.
 */
export class Link implements ConnectionOwner<Connection>, ChannelLink {
  /** Counted by the side that dialed it. */
  readonly number: number;
  readonly ours: boolean;
  readonly votes: Connection;
  readonly #host: LinkHost;
  /** Until when the bulk lane has to follow. */
  readonly #deadlineMs: number;
  #bulk: Connection | undefined;
  #upSinceMs: number | undefined;
  #over = false;
  readonly #channels = new Map<number, Channel>();
  readonly #offers = new Map<number, Offer>();
  /** What the other side has joined, or wants to: one replica of each group. */
  readonly #theirs = new Map<string, Offer | Channel>();
  #nextNumber: number;
  #theirHighest = 0;
  readonly #probing = new Set<ProbeOwner>();
  #idleSinceMs = 0;

  constructor(
    whose: 'ours' | 'theirs',
    votes: Connection,
    number: number,
    host: LinkHost,
    deadlineMs: number,
  ) {
    this.number = number;
    this.ours = whose === 'ours';
    this.votes = votes;
    this.#host = host;
    this.#deadlineMs = deadlineMs;
    this.#nextNumber = this.ours ? 1 : 2;
    votes.owner = this;
  }

  readonly control = (type: ControlType, number: number, body: Uint8Array): void => {
    if (!this.isUp) throw new WireViolation('early', `'${type}' before both lanes`);
    if (type === 'join') this.#joinOffered(number, body);
    else if (type === 'leave') this.#left(number);
    else this.#answered(type, number, body);
  };

  set bulk(bulk: Connection) {
    invariant(() => this.#bulk === undefined, 'tcp-3 a link has one connection for each lane');
    this.#bulk = bulk;
    bulk.owner = this;
  }

  get bulkLane(): Connection {
    return this.#bulk ?? this.votes;
  }

  get isUp(): boolean {
    return this.#upSinceMs !== undefined && !this.#over;
  }

  get lacksBulk(): boolean {
    return this.#bulk === undefined;
  }

  upForMs(nowMs: number): number {
    return this.#upSinceMs === undefined ? 0 : nowMs - this.#upSinceMs;
  }

  /** Both lanes are welcomed. */
  cameUp(): void {
    invariant(
      () => this.#bulk !== undefined && this.#upSinceMs === undefined,
      'tcp-18 a link is up once, with both lanes',
    );
    this.#upSinceMs = this.#idleSinceMs = this.#host.around.time.nowMs;
    this.#host.cameUp(this);
  }

  // What owners of channels ask for.

  join(local: LocalIdentity, asked: ReplicaId, owner: ChannelOwner): Channel | undefined {
    if (!this.isUp) return undefined;
    const number = this.#nextNumber;
    if (number > channelMax) {
      this.end('its numbers for channels are used up');
      return undefined;
    }
    this.#nextNumber += 2;
    this.#host.around.counters.add('joins');
    this.votes.say('join', number, encodeJoin(local, asked));
    const about = { number, group: local.group };
    const channel = new Channel(this, about, owner, this.#answerDeadline());
    this.#channels.set(number, channel);
    return channel;
  }

  accept(offer: Offer, local: LocalIdentity, owner: ChannelOwner): Channel {
    this.#offers.delete(offer.number);
    this.votes.say('joined', offer.number, encodeJoined(local, offer.peer.id));
    const channel = new Channel(this, offer, owner, this.#answerDeadline());
    this.#channels.set(offer.number, channel);
    this.#theirs.set(offer.group, channel);
    return channel;
  }

  refuse(offer: Offer, reason: Refusal): void {
    this.#withdraw(offer);
    this.votes.say('refused', offer.number, encodeRefused(refusals[reason].code));
  }

  keep(offer: Offer, owner: ChannelOwner): void {
    offer.owner = owner;
  }

  forget(channel: Channel): void {
    this.#channels.delete(channel.number);
    if (this.#theirs.get(channel.group) === channel) this.#theirs.delete(channel.group);
    if (this.#channels.size === 0) this.#idleSinceMs = this.#host.around.time.nowMs;
  }

  probe(owner: ProbeOwner): void {
    this.#probing.add(owner);
    this.votes.probe(this.#host.around.settings.probeTimeoutMs);
  }

  cancelProbe(owner: ProbeOwner): void {
    this.#probing.delete(owner);
    if (this.#probing.size === 0) this.votes.cancelProbe();
  }

  // What a connection says to its owner.

  greeted(bulk: Connection, greeting: Greeting): void {
    if (this.#over || bulk !== this.#bulk) return;
    const fault = this.#host.bulkRefused(this, bulk, greeting);
    if (fault !== undefined) {
      this.end(fault);
      return;
    }
    bulk.startFrames(greeting.frameBytesMax, this.control);
    this.cameUp();
    this.votes.resume();
  }

  frame(frame: Uint8Array, number: number): void {
    if (!this.isUp) throw new WireViolation('early', 'a frame before both lanes');
    const channel = this.#channels.get(number);
    if (channel === undefined) {
      this.#guardNumber(number);
      return;
    }
    if (channel.phase === 'joining') {
      throw new WireViolation('early', 'a frame before the answer to a join');
    }
    if (channel.phase === 'accepted') channel.owner.opened(channel);
    try {
      if (channel.phase === 'up') channel.owner.frame(channel, frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#badFrame(channel, error);
    }
  }

  alive(): void {
    const probing = [...this.#probing];
    this.#probing.clear();
    for (const owner of probing) owner.alive(this);
  }

  closed(_: Connection, why: string): void {
    this.end(why);
  }

  tick(nowMs: number): void {
    if (!this.isUp) {
      if (nowMs >= this.#deadlineMs) this.end('the bulk lane did not follow in time');
      return;
    }
    this.votes.tick();
    this.#bulk?.tick();
    const isIdle = this.#channels.size === 0 && this.#offers.size === 0;
    const { handshakeTimeoutMs } = this.#host.around.settings;
    if (isIdle && nowMs - this.#idleSinceMs >= handshakeTimeoutMs) {
      this.end('no group has used it for long');
    }
  }

  /** Closes both lanes, and drops what is queued. */
  end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.votes.close();
    this.#bulk?.close();
    this.#host.broke(this, why);
    const channels = [...this.#channels.values()];
    const offers = [...this.#offers.values()];
    this.#channels.clear();
    this.#offers.clear();
    for (const offer of offers) offer.owner?.withdrawn(offer);
    for (const channel of channels) {
      channel.over();
      channel.owner.broke(channel, why);
    }
  }

  /** Sends what is queued before it closes. No event comes after it. */
  finish(): void {
    this.#over = true;
    this.votes.finish();
    this.#bulk?.finish();
  }

  // What comes about channels.

  #joinOffered(number: number, body: Uint8Array): void {
    if (number % 2 === this.#nextNumber % 2 || number <= this.#theirHighest) {
      throw new WireViolation('channel', `a join with number ${number}`);
    }
    this.#theirHighest = number;
    const { group, ...peer } = decodeJoin(body);
    if (this.votes.controlBytes > controlBytesMax) {
      throw new WireViolation('join', 'joins whose answers nobody takes');
    }
    const offer: Offer = { link: this, number, group, peer };
    this.#offers.set(number, offer);
    const before = this.#theirs.get(group);
    if (before !== undefined && before.peer?.id !== peer.id) {
      noteRefused({ group, ...peer }, this.votes.remote, 'one-of-group', this.#host.around);
      this.refuse(offer, 'one-of-group');
      return;
    }
    if (before === undefined) this.#theirs.set(group, offer);
    this.#host.offered(offer);
  }

  #answered(type: ControlType, number: number, body: Uint8Array): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) {
      this.#guardNumber(number);
      return;
    }
    const fits = channel.ours
      ? type !== 'opened' && channel.phase === 'joining'
      : type === 'opened';
    if (!fits) throw new WireViolation('early', `'${type}' of a channel that is ${channel.phase}`);
    if (type === 'joined') channel.owner.joined(channel, decodeJoined(body));
    else if (type === 'refused') {
      channel.over();
      channel.owner.refused(channel, decodeRefused(body));
    } else if (channel.phase === 'accepted') channel.owner.opened(channel);
  }

  #left(number: number): void {
    const offer = this.#offers.get(number);
    if (offer !== undefined) {
      this.#withdraw(offer);
      offer.owner?.withdrawn(offer);
      return;
    }
    const channel = this.#channels.get(number);
    if (channel === undefined) {
      this.#guardNumber(number);
      return;
    }
    channel.over();
    channel.owner.left(channel);
  }

  #withdraw(offer: Offer): void {
    this.#offers.delete(offer.number);
    if (this.#theirs.get(offer.group) === offer) this.#theirs.delete(offer.group);
  }

  /** What comes late for a channel that is over is dropped; one that never was is a violation. */
  #guardNumber(number: number): void {
    const ours = number % 2 === this.#nextNumber % 2;
    if (ours ? number < this.#nextNumber : number <= this.#theirHighest) return;
    throw new WireViolation('channel', `a channel with number ${number} that nobody joined`);
  }

  /** One group does not understand it: the others go on. */
  #badFrame(channel: Channel, error: FrameError): void {
    const { counters, log } = this.#host.around;
    counters.add('invalid.refused');
    const { group, peer } = channel;
    log.quietly(
      'warn',
      `${group} ${peer?.id} frame`,
      { code: error.code, group, peer: peer?.id, remote: this.votes.remote, error: error.message },
      'left a peer: what came is no frame of the group',
    );
    channel.leave();
    channel.owner.left(channel);
  }

  #answerDeadline(): number {
    const { time, settings } = this.#host.around;
    return time.nowMs + settings.handshakeTimeoutMs;
  }
}

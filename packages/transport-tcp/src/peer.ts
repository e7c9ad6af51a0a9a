import type { Limits } from '@rsl/core';
import type { Lane, LocalIdentity, PeerIdentity, ReplicaId } from '@rsl/core/protocol';
import { invariant, requires } from '@rsl/contracts';
import type { HostPort } from './address.ts';
import { Backoff } from './backoff.ts';
import type { Channel, ChannelLink, ChannelOwner, Offer } from './channel.ts';
import { type Refusal, refusalOf } from './handshake.ts';
import { noteRefusal, noteRefused } from './introduction.ts';
import type { Introduction } from './joining.ts';
import { lastingMs, type Neighbours } from './neighbours.ts';
import type { Surroundings } from './surroundings.ts';
import type { Way, WayUser } from './way.ts';

/** What a peer needs to know of its endpoint, and tells it. */
export interface PeerHost {
  readonly local: LocalIdentity;
  readonly limits: Limits;
  readonly around: Surroundings;
  readonly neighbours: Neighbours;
  frame(from: PeerIdentity, frame: Uint8Array): void;
  up(peer: PeerIdentity): void;
  down(peer: PeerIdentity): void;
  room(to: ReplicaId): void;
  /** The peer has something to do as time passes: it is to be ticked while it is `restless`. */
  attend(peer: Peer): void;
}

/**
 * One replica of the group elsewhere, and the channel to it. Exactly one stands between two
 * replicas, whoever joins:
 *
 * 1. Each side joins every peer to whose address a link leads and to which it has no channel, at
 *    once, and after a refusal again after growing waits. The link stays: it is others' too.
 * 2. A join is accepted if there is no channel. When both join at once, that of the higher id
 *    wins: the lower one takes its own back, and the higher one lets the other's wait until its
 *    own is answered. One that is refused lets the waiting one in, so a wrong address on one side
 *    locks nobody out.
 * 3. A join that comes on the link of a channel that stands replaces it, for a process has one
 *    replica of a group; unless it is the same start of the replica and the channel is ours: then
 *    the two have crossed, and it is refused.
 * 4. A join that comes on another link comes from another process: the replica has started again,
 *    and we have not noticed that its old process is gone; or a twin uses its id. It waits, and
 *    the link that stands is asked for a sign of life: if it answers, the join is refused; if it
 *    does not, in `probeTimeoutMs`, or breaks, it is accepted.
 */
export class Peer implements ChannelOwner, WayUser {
  readonly id: ReplicaId;
  readonly #host: PeerHost;
  readonly #backoff: Backoff;
  #way: Way | undefined;
  /** It waits for its way to lead to a link. */
  #seeking = false;
  /** Our join without an answer. */
  #attempt: Channel | undefined;
  #channel: Channel | undefined;
  /** Of who is up. */
  #identity: PeerIdentity | undefined;
  #candidate: { readonly offer: Offer; readonly deadlineMs: number } | undefined;
  /** When to join again. */
  #dueMs = 0;
  #closed = false;

  constructor(id: ReplicaId, host: PeerHost) {
    requires(() => id !== host.local.id, 'tcp-5 nobody is a peer of itself');
    this.id = id;
    this.#host = host;
    const { settings, random } = host.around;
    const { reconnectDelayMsMin, reconnectDelayMsMax } = settings;
    this.#backoff = new Backoff(reconnectDelayMsMin, reconnectDelayMsMax, random);
  }

  /** Keep a channel with it, from now on, at this address. */
  want(address: HostPort): void {
    const before = this.#way;
    const way = this.#host.neighbours.wayTo(address, this);
    if (way === before) return;
    this.#way = way;
    before?.release(this);
    this.#takeBack();
    this.#seeking = false;
    this.#backoff.reset();
    this.#dueMs = 0;
    this.#letIn();
    this.#seek();
  }

  /** A channel that the other side joined stays; ours ends when it has nothing more to send. */
  unwant(): void {
    this.#way?.release(this);
    this.#way = undefined;
    this.#seeking = false;
    this.#takeBack();
    this.#letIn();
    this.#host.attend(this);
  }

  /** Nothing is known of it that is worth keeping. */
  get forgettable(): boolean {
    return (this.#way ?? this.#attempt ?? this.#channel ?? this.#candidate) === undefined;
  }

  /** Time may bring it something to do. */
  get restless(): boolean {
    if (this.#attempt !== undefined || this.#candidate !== undefined) return true;
    if (this.#channel !== undefined) {
      return this.#channel.phase !== 'up' || (this.#channel.ours && this.#way === undefined);
    }
    return this.#way !== undefined && !this.#seeking;
  }

  send(lane: Lane, parts: readonly Uint8Array[]): boolean {
    return this.#channel?.send(lane, parts) ?? false;
  }

  get queuedBytes(): number {
    return this.#channel?.queuedBytes ?? 0;
  }

  /** It has joined us, and its join is meant for this replica. */
  offered(offer: Offer): void {
    const channel = this.#channel;
    if (channel === undefined) {
      const ourTurn = this.#attempt !== undefined && this.#host.local.id > this.id;
      if (ourTurn) this.#wait(offer);
      else this.#accept(offer);
    } else if (channel.link !== offer.link) this.#wait(offer);
    else if (channel.ours && channel.isWith(offer.peer)) this.#refuse(offer, 'connected');
    else {
      this.#channel = undefined;
      channel.leave();
      this.#ended(channel, 'it joined anew', 'keep-candidate');
      this.#accept(offer);
    }
  }

  tick(): void {
    const nowMs = this.#nowMs;
    const attempt = this.#attempt;
    if (attempt !== undefined && nowMs >= attempt.deadlineMs) {
      this.#takeBack();
      this.#failed('no answer in time');
    }
    const channel = this.#channel;
    if (channel !== undefined) {
      const late = channel.phase === 'accepted' && nowMs >= channel.deadlineMs;
      const over = channel.ours && this.#way === undefined && channel.queuedBytes === 0;
      if (late || over) this.#leave(channel, over ? 'no longer wanted' : 'it did not open');
    }
    const candidate = this.#candidate;
    if (candidate !== undefined && nowMs >= candidate.deadlineMs) {
      this.#refuse(candidate.offer, 'busy');
      this.#dropCandidate();
    }
    this.#seek();
  }

  /** Leaves, behind the frames that are queued on the votes lane. No event comes after it. */
  close(): void {
    this.#closed = true;
    this.#way?.release(this);
    this.#takeBack();
    if (this.#candidate !== undefined) this.#refuse(this.#candidate.offer, 'no-such-group');
    this.#dropCandidate();
    this.#channel?.leave();
    this.#way = this.#channel = undefined;
  }

  // What its way and its links say.

  linked(link: ChannelLink): void {
    this.#seeking = false;
    if (this.#closed || this.#way === undefined) return;
    if (this.#channel !== undefined || this.#attempt !== undefined) return;
    invariant(() => link.isUp, 'tcp-19 a group joins a link that is up');
    this.#attempt = link.join(this.#host.local, this.id, this);
    this.#host.attend(this);
  }

  alive(link: ChannelLink): void {
    const candidate = this.#candidate;
    const channel = this.#channel;
    if (candidate === undefined || channel?.link !== link) return;
    this.#candidate = undefined;
    const { offer } = candidate;
    this.#refuse(offer, channel.isWith(offer.peer) ? 'connected' : 'duplicate-id');
  }

  // What a channel says to its owner.

  joined(channel: Channel, peer: Introduction): void {
    if (channel !== this.#attempt) return;
    this.#attempt = undefined;
    if (peer.id !== this.id || peer.asked !== this.#host.local.id) {
      channel.leave();
      this.#noteRefusal(channel, 'wrong-id');
      return;
    }
    this.#channel = channel;
    this.#cameUp(channel, peer);
  }

  refused(channel: Channel, code: number): void {
    if (channel !== this.#attempt) return;
    this.#attempt = undefined;
    this.#noteRefusal(channel, refusalOf(code) ?? `reason ${code}`);
  }

  opened(channel: Channel): void {
    const { peer } = channel;
    if (channel === this.#channel && peer !== undefined) this.#cameUp(channel, peer);
  }

  frame(channel: Channel, frame: Uint8Array): void {
    const identity = this.#identity;
    if (channel === this.#channel && identity !== undefined) this.#host.frame(identity, frame);
  }

  left(channel: Channel): void {
    if (channel !== this.#channel) return;
    this.#channel = undefined;
    const lasted = channel.upForMs(this.#nowMs) >= lastingMs;
    if (lasted) this.#backoff.reset();
    this.#dueMs = this.#nowMs + this.#backoff.next();
    this.#ended(channel, 'one side has left');
  }

  broke(channel: Channel, why: string): void {
    if (channel === this.#attempt) {
      this.#attempt = undefined;
      this.#letIn();
      this.#seek();
    } else if (channel === this.#channel) {
      this.#channel = undefined;
      this.#ended(channel, why);
    }
  }

  withdrawn(offer: Offer): void {
    if (this.#candidate?.offer === offer) this.#dropCandidate();
  }

  room(): void {
    this.#host.room(this.id);
  }

  // Joining.

  /** Joins as soon as its way leads to a link, if it is time. */
  #seek(): void {
    if (this.#closed || this.#way === undefined || this.#seeking) return;
    if (this.#channel !== undefined || this.#attempt !== undefined) return;
    if (this.#nowMs < this.#dueMs) {
      this.#host.attend(this);
      return;
    }
    this.#seeking = true;
    this.#way.need(this);
  }

  #takeBack(): void {
    this.#attempt?.leave();
    this.#attempt = undefined;
  }

  #noteRefusal({ link }: Channel, reason: string): void {
    const { around, local } = this.#host;
    const of = { group: local.group, peer: this.id };
    noteRefusal(link.votes.remote, reason, around, of);
    this.#failed(reason);
  }

  #failed(why: string): void {
    const { around, local } = this.#host;
    this.#dueMs = this.#nowMs + this.#backoff.next();
    around.log.debug({ group: local.group, peer: this.id, why }, 'could not join; trying again');
    this.#host.attend(this);
    this.#letIn();
  }

  // Being joined.

  #wait(offer: Offer): void {
    const waiting = this.#candidate?.offer;
    if (waiting !== undefined) {
      const { store, instance } = waiting.peer;
      const same = store === offer.peer.store && instance === offer.peer.instance;
      this.#refuse(same ? waiting : offer, 'busy');
      if (!same) return;
    }
    const { time, settings } = this.#host.around;
    offer.link.keep(offer, this);
    this.#candidate = { offer, deadlineMs: time.nowMs + settings.handshakeTimeoutMs };
    this.#host.attend(this);
    this.#channel?.link.probe(this);
  }

  #accept(offer: Offer): void {
    invariant(() => this.#channel === undefined, 'tcp-20 a peer has one channel at a time');
    if (this.#closed) {
      this.#refuse(offer, 'no-such-group');
      return;
    }
    this.#takeBack();
    this.#channel = offer.link.accept(offer, this.#host.local, this);
    this.#host.attend(this);
  }

  #refuse(offer: Offer, reason: Refusal): void {
    const { group, link, peer } = offer;
    noteRefused({ group, ...peer }, link.votes.remote, reason, this.#host.around);
    link.refuse(offer, reason);
  }

  #letIn(): void {
    const candidate = this.#candidate;
    if (candidate === undefined || this.#channel !== undefined) return;
    this.#candidate = undefined;
    this.#accept(candidate.offer);
  }

  #dropCandidate(): void {
    this.#candidate = undefined;
    this.#channel?.link.cancelProbe(this);
  }

  // The life of a channel.

  #cameUp(channel: Channel, peer: Introduction): void {
    const identity: PeerIdentity = { id: peer.id, store: peer.store };
    this.#identity = identity;
    channel.cameUp(this.#nowMs, peer);
    const { around, local } = this.#host;
    const { remote } = channel.link.votes;
    const fields = { group: local.group, peer: this.id, remote, joined: channel.ours };
    around.log.info(fields, 'peer is up');
    const candidate = this.#candidate?.offer;
    this.#host.up(identity);
    if (candidate === undefined || candidate !== this.#candidate?.offer) return;
    if (this.#channel !== channel) return;
    if (candidate.link !== channel.link) channel.link.probe(this);
    else {
      this.#candidate = undefined;
      this.#refuse(candidate, 'connected');
    }
  }

  #leave(channel: Channel, why: string): void {
    this.#channel = undefined;
    channel.leave();
    this.#dueMs = this.#nowMs + this.#backoff.next();
    this.#ended(channel, why);
  }

  #ended(channel: Channel, why: string, then?: 'keep-candidate'): void {
    const identity = this.#identity;
    this.#identity = undefined;
    if (channel.wasUp && identity !== undefined) {
      const { around, local } = this.#host;
      around.log.info({ group: local.group, peer: this.id, why }, 'peer is down');
      this.#host.down(identity);
    }
    this.#host.attend(this);
    if (then === 'keep-candidate') return;
    this.#letIn();
    this.#seek();
  }

  get #nowMs(): number {
    return this.#host.around.time.nowMs;
  }
}

import { createHash } from 'node:crypto';
import { InvalidOptionError, type Limits, type ProcessContext } from '@rsl/core';
import type { LocalIdentity, Transport, TransportEvents } from '@rsl/core/protocol';
import { formatAddress } from './address.ts';
import { tickMs } from './awake-time.ts';
import type { Offer } from './channel.ts';
import { TcpEndpoint } from './endpoint.ts';
import { groupBytesMax } from './framing.ts';
import type { Greeting, Refusal } from './handshake.ts';
import { joinFault, noteRefused } from './introduction.ts';
import { isStoreId } from './joining.ts';
import { Listener } from './listener.ts';
import { Neighbours } from './neighbours.ts';
import type { Settings } from './options.ts';
import { PeerGreeter } from './peer-greeter.ts';
import { type Surroundings, surroundingsOf } from './surroundings.ts';

/**
 * A transport over TCP: one listener, one link to each other process, and for each group an
 * endpoint, whose channels share the links.
 */
export class TcpTransport implements Transport {
  readonly #around: Surroundings;
  readonly #limits: Limits;
  readonly #neighbours: Neighbours;
  readonly #listener: Listener<Greeting>;
  readonly #endpoints = new Map<string, TcpEndpoint>();
  readonly #stopTicking: () => void;
  readonly #draw: number;
  #process = '';
  #address = '';
  #closing: Promise<void> | undefined;

  private constructor(settings: Settings, context: ProcessContext) {
    const { clock, random, logger, limits } = context;
    const draw = random.below(2 ** 48);
    let links = 0;
    this.#limits = limits;
    this.#draw = draw;
    this.#around = {
      ...surroundingsOf(settings, clock, logger),
      random,
      process: () => this.#process,
      nextLink: () => (links += 1),
    };
    this.#neighbours = new Neighbours(this.#around, limits, (offer) => this.#offered(offer));
    this.#listener = new Listener(this.#around, new PeerGreeter(this.#neighbours));
    this.#stopTicking = clock.everyMs(tickMs, () => this.#tick());
  }

  /** RSL_LISTEN_FAILED if the address cannot be listened on. */
  static async open(settings: Settings, context: ProcessContext): Promise<TcpTransport> {
    const transport = new TcpTransport(settings, context);
    try {
      const address = formatAddress(await transport.#listener.listen(settings.listen));
      transport.#address = address;
      transport.#process = processName(address, transport.#draw);
      return transport;
    } catch (error) {
      transport.#stopTicking();
      throw error;
    }
  }

  get address(): string {
    return this.#address;
  }

  open(local: LocalIdentity, on: TransportEvents): TcpEndpoint {
    guardIdentity(local);
    const { group } = local;
    if (this.#closing !== undefined) throw new InvalidOptionError('group', 'transport is closed');
    if (this.#endpoints.has(group)) {
      throw new InvalidOptionError('group', `this transport already serves '${group}'`);
    }
    const endpoint = new TcpEndpoint({ ...local }, on, this.#limits, this.#neighbours, () => {
      this.#endpoints.delete(group);
    });
    this.#endpoints.set(group, endpoint);
    return endpoint;
  }

  /** What happened since it was opened, by name; see the README. */
  counters(): Readonly<Record<string, number>> {
    return this.#around.counters.read();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The links first: they send what is queued on both lanes, and need no word of leaving.
    this.#neighbours.close();
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    await Promise.all([this.#listener.close(), this.#around.sockets.none()]);
    this.#stopTicking();
  }

  /** A join goes to the endpoint of its group. */
  #offered(offer: Offer): void {
    const { group, link, peer } = offer;
    const endpoint = this.#endpoints.get(group);
    const fault: Refusal | undefined =
      endpoint === undefined ? 'no-such-group' : joinFault(peer, endpoint.local);
    if (fault === undefined && endpoint !== undefined) {
      endpoint.offered(offer);
      return;
    }
    const reason = fault ?? 'no-such-group';
    noteRefused({ group, ...peer }, link.votes.remote, reason, this.#around);
    link.refuse(offer, reason);
  }

  #tick(): void {
    const { time, sockets } = this.#around;
    time.tick();
    this.#listener.tick();
    this.#neighbours.tick();
    sockets.tick(time.nowMs);
  }
}

/** Of chance and of the address: two that drew alike are still two. */
function processName(address: string, draw: number): string {
  return createHash('sha256').update(`${address} ${draw}`).digest('hex').slice(0, 16);
}

function guardIdentity({ group, id, store, instance }: LocalIdentity): void {
  const bytes = Buffer.byteLength(group);
  if (bytes < 1 || bytes > groupBytesMax) {
    throw new InvalidOptionError('group', `must be 1 … ${groupBytesMax} bytes, not ${bytes}`);
  }
  if (!Number.isInteger(id) || id < 1 || id > 65_535) {
    throw new InvalidOptionError('self', `must be a whole number of 1 … 65535, not ${id}`);
  }
  if (!isStoreId(store)) {
    throw new InvalidOptionError('store', `must be 16 lower-case hex digits, not '${store}'`);
  }
  if (!Number.isFinite(instance)) {
    throw new InvalidOptionError('instance', `must be a finite number, not ${instance}`);
  }
}

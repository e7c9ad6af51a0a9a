import { InvalidOptionError, type Limits, type PortContext } from '@rsl/core';
import type { LocalIdentity, Transport, TransportEvents } from '@rsl/core/protocol';
import { formatAddress } from './address.ts';
import { tickMs } from './awake-time.ts';
import { TcpEndpoint } from './endpoint.ts';
import { type Greeting, groupBytesMax, isStoreId } from './handshake.ts';
import { Listener } from './listener.ts';
import type { Settings } from './options.ts';
import { PeerGreeter } from './peer-greeter.ts';
import { type Surroundings, surroundingsOf } from './surroundings.ts';

/** A transport over TCP: one listener, and for each group an endpoint. */
export class TcpTransport implements Transport {
  readonly #around: Surroundings;
  readonly #limits: Limits;
  readonly #listener: Listener<Greeting>;
  readonly #endpoints = new Map<string, TcpEndpoint>();
  readonly #stopTicking: () => void;
  #address = '';
  #closing: Promise<void> | undefined;

  private constructor(settings: Settings, context: PortContext) {
    const { clock, random, logger, limits } = context;
    let links = 0;
    this.#limits = limits;
    this.#around = {
      ...surroundingsOf(settings, clock, logger),
      random,
      nextLink: () => (links += 1),
    };
    const greeter = new PeerGreeter(limits, this.#around, (group) => this.#endpoints.get(group));
    this.#listener = new Listener(this.#around, greeter);
    this.#stopTicking = clock.everyMs(tickMs, () => this.#tick());
  }

  /** RSL_LISTEN_FAILED if the address cannot be listened on. */
  static async open(settings: Settings, context: PortContext): Promise<TcpTransport> {
    const transport = new TcpTransport(settings, context);
    try {
      transport.#address = formatAddress(await transport.#listener.listen(settings.listen));
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
    const endpoint = new TcpEndpoint({ ...local }, on, this.#limits, this.#around, () => {
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
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    await Promise.all([this.#listener.close(), this.#around.sockets.none()]);
    this.#stopTicking();
  }

  #tick(): void {
    const { time, sockets } = this.#around;
    time.tick();
    this.#listener.tick();
    for (const endpoint of this.#endpoints.values()) endpoint.tick();
    sockets.tick(time.nowMs);
  }
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

import {
  type ClientTransportLimits,
  type Clock,
  defaultLimits,
  InvalidOptionError,
  type Logger,
} from '@rsl/core';
import type { HostPort } from './address.ts';
import { envelopeBytes } from './framing.ts';
import { listenAddress, mustNotExceed, numbersOf } from './options.ts';

/** What both sides of a connection between a client and a replica may bound. */
export interface TcpClientOptions {
  /** From the start of a dial, or of an accepted connection, to the end of its handshake. */
  readonly handshakeTimeoutMs?: number;
  /** A connection that was silent for so long is asked for a sign of life. */
  readonly pingIntervalMs?: number;
  /** A connection that was silent for so long is closed. */
  readonly deadAfterMs?: number;
  /** One frame, either way; the other side may take less. */
  readonly frameBytesMax?: number;
  /** Queued on one connection for the other side. */
  readonly sendQueueBytesMax?: number;
}

/** How to listen for clients. */
export interface TcpListenerOptions extends TcpClientOptions {
  /** Listen beyond loopback although frames are neither encrypted nor authenticated. */
  readonly allowPlaintext?: boolean;
  /** Connections at a time, those included that have not finished their handshake. */
  readonly connectionsMax?: number;
}

/** How to dial replicas. */
export interface TcpConnectorOptions extends TcpClientOptions {
  /** The machine's unless given. */
  readonly clock?: Clock;
  /** Silent unless given. */
  readonly logger?: Logger;
}

const GiB = 1024 ** 3;

/** Every number of a client's side: what it is unless given, and its range. */
const connectorRanges = {
  handshakeTimeoutMs: { otherwise: 5_000, from: 50, through: 600_000 },
  pingIntervalMs: { otherwise: 1_000, from: 25, through: 600_000 },
  deadAfterMs: { otherwise: 5_000, from: 50, through: 3_600_000 },
  frameBytesMax: { otherwise: defaultLimits.frameBytesMax, from: 1, through: GiB },
  sendQueueBytesMax: { otherwise: defaultLimits.sendQueueBytesMax, from: 1, through: 4 * GiB },
} as const;

const listenerRanges = {
  connectionsMax: { otherwise: 1_024, from: 1, through: 65_536 },
  ...connectorRanges,
} as const;

/** The options of a client's side, checked and complete. */
export type ConnectorSettings = { readonly [K in keyof typeof connectorRanges]: number };

/** Those of a replica's side. What bounds frames is known only when it is opened. */
export interface ListenerSettings {
  readonly listen: HostPort;
  complete(limits: ClientTransportLimits): ListenerNumbers;
}

export type ListenerNumbers = { readonly [K in keyof typeof listenerRanges]: number };

/** Throws RSL_INVALID_OPTION. */
export function listenerSettingsOf(address: string, options: TcpListenerOptions): ListenerSettings {
  const { allowPlaintext } = options;
  const wanted = allowPlaintext === undefined ? {} : { allowPlaintext };
  const complete = (limits: ClientTransportLimits): ListenerNumbers => {
    const frameBytesMax = options.frameBytesMax ?? limits.frameBytesMax;
    // A replica's own queue may be as long as a frame without its envelope.
    const sendQueueBytesMax = Math.max(limits.sendQueueBytesMax, frameBytesMax + envelopeBytes);
    const ranges = {
      ...listenerRanges,
      frameBytesMax: { ...listenerRanges.frameBytesMax, otherwise: frameBytesMax },
      sendQueueBytesMax: { ...listenerRanges.sendQueueBytesMax, otherwise: sendQueueBytesMax },
    };
    return agreeing(numbersOf(ranges, options, ['allowPlaintext']));
  };
  // What is wrong whatever the replica's limits are is said at once.
  complete({ frameBytesMax: 1, sendQueueBytesMax: 1 });
  const listen = listenAddress({ listen: address, ...wanted }, 'tcpListener');
  return { listen, complete };
}

/** Throws RSL_INVALID_OPTION. */
export function connectorSettingsOf(options: TcpConnectorOptions): ConnectorSettings {
  return agreeing(numbersOf(connectorRanges, options, ['clock', 'logger']));
}

function agreeing<Numbers extends ConnectorSettings>(numbers: Numbers): Numbers {
  const settings: ConnectorSettings = numbers;
  mustNotExceed(settings, 'pingIntervalMs', 'deadAfterMs');
  const { frameBytesMax, sendQueueBytesMax } = settings;
  if (sendQueueBytesMax < frameBytesMax + envelopeBytes) {
    throw new InvalidOptionError(
      'sendQueueBytesMax',
      `must hold one frame: at least frameBytesMax and ${envelopeBytes} bytes, ` +
        `${frameBytesMax + envelopeBytes}, not ${sendQueueBytesMax}`,
    );
  }
  return numbers;
}

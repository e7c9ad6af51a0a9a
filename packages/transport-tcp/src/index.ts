/**
 * Frames over TCP, between replicas and between clients and replicas.
 *
 * @module @rsl/transport-tcp
 */
import type { Port, ProcessContext } from '@rsl/core';
import {
  listenerSettingsOf,
  type TcpConnectorOptions,
  type TcpListenerOptions,
} from './client-options.ts';
import { type TcpOptions, settingsOf } from './options.ts';
import { TcpClientConnector } from './tcp-client-connector.ts';
import { TcpClientListener } from './tcp-client-listener.ts';
import { TcpTransport } from './tcp-transport.ts';

/** `host:port` as text, the same way for whoever listens beside the replicas. */
export { formatAddress, type HostPort, isLoopback, parseAddress } from './address.ts';
export type {
  TcpClientOptions,
  TcpConnectorOptions,
  TcpListenerOptions,
} from './client-options.ts';
export type { TcpOptions } from './options.ts';
export type { TcpClientConnector } from './tcp-client-connector.ts';
export type { TcpClientListener } from './tcp-client-listener.ts';
export type { TcpTransport } from './tcp-transport.ts';

/**
 * Frames between replicas over TCP. Listens when it is opened; `tcp('127.0.0.1:7001')`, or an
 * object with options. Throws RSL_INVALID_OPTION at once; opening rejects with RSL_LISTEN_FAILED.
 */
export function tcp(listen: string | TcpOptions): Port<TcpTransport, ProcessContext> {
  const settings = settingsOf(listen);
  return {
    open: (context) => TcpTransport.open(settings, context),
    remote: { module: import.meta.url, name: 'tcp', options: settings.given },
  };
}

/**
 * Where clients reach a replica over TCP. Listens when it is opened; takes connections in once
 * `serve` is called. Throws RSL_INVALID_OPTION at once; opening rejects with RSL_LISTEN_FAILED.
 */
export function tcpListener(
  address: string,
  options: TcpListenerOptions = {},
): Port<TcpClientListener> {
  const settings = listenerSettingsOf(address, options);
  return { open: (context) => TcpClientListener.open(settings, context) };
}

/**
 * How a client reaches replicas over TCP. Names are resolved at every connect. Throws
 * RSL_INVALID_OPTION.
 */
export function tcpConnector(options: TcpConnectorOptions = {}): TcpClientConnector {
  return new TcpClientConnector(options);
}

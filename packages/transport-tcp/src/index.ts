import type { Port } from '@rsl/core';
import { type TcpOptions, settingsOf } from './options.ts';
import { TcpTransport } from './tcp-transport.ts';

/** `host:port` as text, the same way for whoever listens beside the replicas. */
export { formatAddress, type HostPort, isLoopback, parseAddress } from './address.ts';
export type { TcpOptions } from './options.ts';
export type { TcpTransport } from './tcp-transport.ts';

/**
 * Frames between replicas over TCP. Listens when it is opened; `tcp('127.0.0.1:7001')`, or an
 * object with options. Throws RSL_INVALID_OPTION at once; opening rejects with RSL_LISTEN_FAILED.
 */
export function tcp(listen: string | TcpOptions): Port<TcpTransport> {
  const settings = settingsOf(listen);
  return {
    open: (context) => TcpTransport.open(settings, context),
    remote: { module: import.meta.url, name: 'tcp', options: settings.given },
  };
}

/** The tcp transport, with other addresses for some peers: those of proxies in between. */
import type { Port, ProcessContext } from '@rsl/core';
import { tcp, type TcpTransport } from '@rsl/transport-tcp';

export interface RoutedOptions {
  readonly listen: string;
  /** By the id of a peer. */
  readonly routes: Readonly<Record<number, string>>;
}

export function routedTcp(options: RoutedOptions): Port<TcpTransport, ProcessContext> {
  return {
    open: async (context) => routed(await tcp(options.listen).open(context), options.routes),
    remote: { module: import.meta.url, name: 'routedTcp', options },
  };
}

function routed(transport: TcpTransport, routes: RoutedOptions['routes']): TcpTransport {
  const open = transport.open.bind(transport);
  transport.open = (local, on) => {
    const endpoint = open(local, on);
    const peers = endpoint.peers.bind(endpoint);
    endpoint.peers = (given) =>
      peers(
        given.map(({ addresses, id }) => ({
          id,
          addresses: { ...addresses, tcp: routes[id] ?? String(addresses['tcp']) },
        })),
      );
    return endpoint;
  };
  return transport;
}

/**
 * `connectClient` for whoever is no replica; `serveClients` for replicas that take clients in.
 *
 * @module @rsl/core/client
 */
export { type Client, connectClient } from './client.ts';
export {
  type ClientLimits,
  type ClientOptions,
  type ClientTimings,
  defaultClientLimits,
  defaultClientTimings,
  type QueryOptions,
} from './client-options.ts';
export { type ClientServer, serveClients, type ServeClientsOptions } from './serve-clients.ts';
export type {
  ClientConnection,
  ClientConnectionEvents,
  ClientConnector,
  ClientListener,
  ClientTransportLimits,
} from '../ports/client-transport.ts';

/** For processes that are no replica: `connectClient`. For replicas that take them in: `serveClients`. */
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

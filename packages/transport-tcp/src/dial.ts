import { connect } from 'node:net';
import { formatAddress, type HostPort } from './address.ts';
import { Connection, type Speech } from './connection.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { ConnectionSurroundings } from './surroundings.ts';

/** One static buffer for each dialed connection: half the cost of a buffer for each read. */
const receiveBytes = 64 * 1024;
/** Silence before the kernel asks whether the other side is still there. */
export const keepAliveInitialDelay = 10_000;

/**
 * Connects; `connected` is where to say hello. A name is resolved anew each time, so that whoever
 * is behind it may move to another machine.
 */
export function dial<Hello>(
  address: HostPort,
  speech: Speech<Hello>,
  around: ConnectionSurroundings,
  owner: ConnectionOwner<Connection<Hello>, Hello>,
  connected: (connection: Connection<Hello>) => void,
): Connection<Hello> {
  const socket = connect({
    host: address.host,
    port: address.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay,
    onread: {
      buffer: new Uint8Array(receiveBytes),
      callback(length, buffer) {
        connection.received(length === buffer.length ? buffer : buffer.subarray(0, length));
        return true;
      },
    },
  });
  const connection = new Connection(socket, formatAddress(address), speech, around, owner);
  socket.once('connect', () => connected(connection));
  return connection;
}

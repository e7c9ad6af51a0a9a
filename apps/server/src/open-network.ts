import { InvalidOptionError } from '@rsl/core';
import { formatAddress, type HostPort, isLoopback } from '@rsl/transport-tcp';

/** Refuses an address that other machines can reach, as nothing on it is protected yet. */
export function refuseOpenNetwork(
  option: '--client' | '--clients' | '--listen',
  address: HostPort,
): void {
  if (isLoopback(address.host)) return;
  const what = option === '--listen' ? 'frames' : 'commands';
  throw new InvalidOptionError(
    option,
    `${formatAddress(address)} can be reached from other machines, and ${what} travel without ` +
      'encryption or proof of identity. On a network that you trust whole, say so with ' +
      '--allow-plaintext; otherwise listen on loopback and put a tunnel (WireGuard, TLS proxy) ' +
      'in front',
  );
}

import type { Addresses, PeerAddress } from '@rsl/core';
import { formatAddress, parseAddress } from '@rsl/transport-tcp';
import { InvalidArgumentError } from 'commander';

const membersMax = 31;

/** `--members`: where replicas reach each one and, behind a slash, clients of @rsl/core/client. */
export function memberList(text: string): readonly PeerAddress[] {
  const members = text.split(',').map(member);
  const isTwice = (values: readonly unknown[]): boolean => new Set(values).size < values.length;
  if (isTwice(members.map(({ id }) => id))) {
    throw new InvalidArgumentError('Two members have the same id.');
  }
  if (isTwice(members.flatMap(({ addresses }) => Object.values(addresses)))) {
    throw new InvalidArgumentError('Two members have the same address.');
  }
  if (members.length > membersMax) {
    throw new InvalidArgumentError(`There may be ${membersMax} members, not ${members.length}.`);
  }
  return members;
}

function member(part: string): PeerAddress {
  const [, id = '', peers = '', clients] = /^(\d{1,5})=([^/]+)(?:\/(.+))?$/.exec(part) ?? [];
  const tcp = fixedAddress(peers);
  const client = clients === undefined ? undefined : fixedAddress(clients);
  const isWrong = tcp === undefined || (clients !== undefined && client === undefined);
  if (isWrong || Number(id) < 1 || Number(id) > 65_535) {
    throw new InvalidArgumentError(
      `'${part}' is not ID=HOST:PORT or ID=HOST:PORT/HOST:PORT with an id and ports of 1 … 65535.`,
    );
  }
  const addresses: Addresses = client === undefined ? { tcp } : { tcp, client };
  return { id: Number(id), addresses };
}

/** As everybody writes it; a port of 0 leads nowhere. */
function fixedAddress(text: string): string | undefined {
  const parsed = parseAddress(text);
  return parsed === undefined || parsed.port === 0 ? undefined : formatAddress(parsed);
}

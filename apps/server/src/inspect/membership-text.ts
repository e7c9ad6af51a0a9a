import type { Member, Membership } from '@rsl/core/protocol';

export const membershipText = ({ number, firstSlot, members }: Membership): string =>
  `${number} from slot ${firstSlot}: ${members.map(memberText).join('; ')}`;

function memberText({ addresses, id, role, store }: Member): string {
  const where = Object.entries(addresses).map(([kind, at]) => ` ${kind} ${JSON.stringify(at)}`);
  return `replica ${id} (${role}), store ${store}${where.join(',')}`;
}

import type { DecidedLog, GroupId, Membership } from '@rsl/core/protocol';
import type { LoneLog } from '@rsl/core/testing';

export const membershipOf = (group: GroupId): Membership => ({
  group,
  number: 1,
  firstSlot: 1,
  members: [{ id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a:1' } }],
  previous: [],
});

/** What a lone machine's log would say on a medium. */
export function decidedOf(log: LoneLog, group = 'feedfacefeedface'): DecidedLog {
  const membership = membershipOf(group);
  const { firstSlot, lastSlot: decidedThrough } = log;
  return {
    where: 'here',
    name: 'tested',
    replica: 1,
    membership,
    group,
    firstSlot,
    decidedThrough,
    read: async (from, to, take) => {
      for (const { slot, value } of await log.read(from, to)) await take(slot, value);
    },
  };
}

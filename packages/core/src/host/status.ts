import type { RslError } from '../errors.ts';
import { zeroBallot } from '../paxos/ballot.ts';
import type { Membership, ReplicaId, StoreId } from '../paxos/membership.ts';
import type { Protocol, ReplicaView } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { LogInfo } from '../ports/log-store.ts';
import type { Counters } from './counters.ts';
import type { EngineStatus } from './halves.ts';
import type { HostParts } from './host-parts.ts';

/** What it asks of the loop. */
export interface Asked {
  readonly protocol: Protocol | undefined;
  readonly membership: Membership;
  readonly failure: RslError | undefined;
  readonly isStopped: boolean;
  readonly isAsleep: boolean;
  readonly executedThrough: Slot;
  isConnected(id: ReplicaId, store: StoreId): boolean;
  counters(): Record<string, number>;
}

/** One moment of an engine. */
export function engineStatusOf(self: ReplicaId, host: Asked, log: LogInfo): EngineStatus {
  const view = host.protocol?.view;
  const { failure, membership } = host;
  const { mode, bytesUsed, bytesFree } = log;
  return {
    state: host.isStopped ? 'stopped' : stateOf(view),
    reason: failure === undefined ? undefined : { code: failure.code, message: failure.message },
    asleep: host.isAsleep,
    leader: view?.leader?.id,
    ballot: view?.promised ?? zeroBallot,
    configuration: membership.number,
    members: membership.members.map((member) => ({
      ...member,
      connected: member.id === self || host.isConnected(member.id, member.store),
    })),
    firstSlot: view?.firstSlot ?? log.firstSlot,
    releasedThrough: view?.releasedThrough ?? host.executedThrough,
    log: { mode, bytesUsed, bytesFree },
    counters: host.counters(),
  };
}

function stateOf(view: ReplicaView | undefined): EngineStatus['state'] {
  if (view === undefined) return 'waiting';
  if (!view.voter) return 'newcomer';
  if (view.role === 'phase2') return 'leader';
  return view.role === 'follower' ? 'follower' : 'candidate';
}

/** What was counted, wherever. */
export function countersOf(
  { counts }: Counters,
  { commit, outbound }: Pick<HostParts, 'commit' | 'outbound'>,
): Record<string, number> {
  const { appends } = commit;
  const { dropped: framesDropped, sent: framesSent } = outbound;
  return { ...counts, framesSent, framesDropped, appends };
}

import type { ReplicaStatus } from '../api.ts';
import { zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId, StoreId } from '../paxos/membership.ts';
import type { ReplicaView } from '../paxos/protocol.ts';
import type { LogInfo } from '../ports/log-store.ts';
import type { Host } from './host.ts';

/** One moment of a replica. */
export function statusOf(
  group: string,
  self: ReplicaId,
  store: StoreId,
  host: Host,
  log: LogInfo,
): ReplicaStatus {
  const view = host.protocol?.view;
  const { failure, membership } = host;
  const { mode, bytesUsed, bytesFree } = log;
  return {
    group,
    self,
    store,
    state: host.isStopped ? 'stopped' : stateOf(view),
    reason: failure === undefined ? undefined : { code: failure.code, message: failure.message },
    leader: view?.leader?.id,
    ballot: view?.promised ?? zeroBallot,
    configuration: membership.number,
    members: membership.members.map((member) => ({
      ...member,
      connected: member.id === self || host.isConnected(member.id, member.store),
    })),
    firstSlot: view?.firstSlot ?? log.firstSlot,
    releasedThrough: view?.releasedThrough ?? host.execution.executedThrough,
    executedThrough: host.execution.executedThrough,
    timeMs: host.execution.timeMs,
    pendingCommands: host.pending.commands,
    pendingBytes: host.pending.bytes,
    log: { mode, bytesUsed, bytesFree },
    counters: host.countersNow(),
  };
}

function stateOf(view: ReplicaView | undefined): ReplicaStatus['state'] {
  if (view === undefined) return 'waiting';
  if (!view.voter) return 'newcomer';
  if (view.role === 'phase2') return 'leader';
  return view.role === 'follower' ? 'follower' : 'candidate';
}

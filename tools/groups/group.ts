import { type Replica, startReplica, type Timings } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { portsOfGroup } from './ports.ts';

/** One group with all its replicas. */
export interface Group {
  readonly replicas: readonly Replica[];
  leader(): Replica | undefined;
}

/** Forms a group and has it execute one command. */
export async function startGroup(group: string, timings: Partial<Timings>): Promise<Group> {
  const { members, portsOf } = portsOfGroup();
  const replicas = await Promise.all(
    members.map(({ id }) => {
      const stateMachine = new DigestMachine();
      return startReplica({ group, self: id, stateMachine, timings, ...portsOf(id) });
    }),
  );
  await replicas[0]?.bootstrap(members);
  await replicas[0]?.propose(new Uint8Array(16), { timeoutMs: 60_000 });
  return {
    replicas,
    leader: () => replicas.find((replica) => replica.status().state === 'leader'),
  };
}

/** So many groups, a few at a time; `settled` is waited for before the next come. */
export async function startGroups(
  count: number,
  timings: Partial<Timings>,
  settled: (few: readonly Group[]) => Promise<void> = async () => {},
): Promise<Group[]> {
  const groups: Group[] = [];
  const atATime = 50;
  for (let from = 0; from < count; from += atATime) {
    const names = Array.from({ length: Math.min(atATime, count - from) }, (_, i) => from + i);
    const few = await Promise.all(names.map((i) => startGroup(`group ${i}`, timings)));
    await settled(few);
    groups.push(...few);
  }
  return groups;
}

export async function closeGroups(groups: readonly Group[]): Promise<void> {
  await Promise.all(groups.flatMap(({ replicas }) => replicas.map((replica) => replica.close())));
}

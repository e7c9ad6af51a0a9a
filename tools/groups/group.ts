import type { Replica, Timings } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import type { Place } from './ports.ts';

/** One group with all its replicas. */
export interface Group {
  readonly replicas: readonly Replica[];
  leader(): Replica | undefined;
}

/** Forms a group and has it execute one command. */
export async function startGroup(
  place: Place,
  group: string,
  timings: Partial<Timings>,
): Promise<Group> {
  const members = place.members();
  const replicas = await Promise.all(
    members.map(({ id }) => {
      const stateMachine = new DigestMachine();
      return place.start({ group, self: id, stateMachine, timings }, members);
    }),
  );
  await replicas[0]?.bootstrap(members);
  await replicas[0]?.propose(new Uint8Array(16), { timeoutMs: 60_000 });
  return {
    replicas,
    leader: () => replicas.find((replica) => replica.status().state === 'leader'),
  };
}

let named = 0;

/** So many new groups, a few at a time; `settled` is waited for before the next come. */
export async function startGroups(
  place: Place,
  count: number,
  timings: Partial<Timings>,
  settled: (few: readonly Group[]) => Promise<void> = async () => {},
): Promise<Group[]> {
  const groups: Group[] = [];
  const atATime = 50;
  for (let from = 0; from < count; from += atATime) {
    const length = Math.min(atATime, count - from);
    const names = Array.from({ length }, () => `group ${(named += 1)}`);
    const few = await Promise.all(names.map((i) => startGroup(place, i, timings)));
    await settled(few);
    groups.push(...few);
  }
  return groups;
}

export async function closeGroups(groups: readonly Group[]): Promise<void> {
  await Promise.all(groups.flatMap(({ replicas }) => replicas.map((replica) => replica.close())));
}

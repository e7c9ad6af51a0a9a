import { ApplicationError, type SlotMoment, typed } from '@rsl/core';

export type Command =
  | { readonly kind: 'put'; readonly payload: string }
  | { readonly kind: 'claim'; readonly forMs: number }
  | { readonly kind: 'acknowledge'; readonly id: number; readonly attempt: number };

/** `attempt` is the fence: what an earlier attempt does is refused once there is a later one. */
export interface Job {
  readonly id: number;
  readonly payload: string;
  attempt: number;
  /** Group time at which it goes to somebody else; undefined: nobody has it. */
  untilMs: number | undefined;
}

/** Each job is done at least once, by one worker at a time, the oldest first. */
export function jobQueue() {
  let jobs: Job[] = [];
  let lastId = 0;
  const dueMs = (): number => Math.min(...jobs.map(({ untilMs }) => untilMs ?? Infinity));

  const machine = typed<Command, Job | number | undefined, { jobs: Job[]; lastId: number }>({
    // Only group time counts: every replica takes a job back in the same slot.
    beginSlot({ timeMs }: SlotMoment) {
      for (const job of jobs) {
        if (job.untilMs !== undefined && job.untilMs <= timeMs) job.untilMs = undefined;
      }
    },

    execute(command, { timeMs }) {
      switch (command.kind) {
        case 'put':
          lastId += 1;
          jobs.push({ id: lastId, payload: command.payload, attempt: 0, untilMs: undefined });
          return lastId;
        case 'claim': {
          const job = jobs.find(({ untilMs }) => untilMs === undefined);
          if (job === undefined) return undefined;
          job.attempt += 1;
          job.untilMs = timeMs + command.forMs;
          return job;
        }
        case 'acknowledge': {
          const { attempt, id } = command;
          const job = jobs.find((each) => each.id === id);
          if (job?.attempt !== attempt || job.untilMs === undefined) {
            throw new ApplicationError('not-yours', `attempt ${attempt} at job ${id} is over`);
          }
          jobs = jobs.filter((each) => each !== job);
          return id;
        }
      }
    },

    // Somebody has to bring time, also when nobody writes: the leader, when this has come.
    wakeAtMs: () => (dueMs() === Infinity ? undefined : dueMs()),
    snapshot: () => ({ jobs, lastId }),
    restore: (saved) => {
      ({ jobs, lastId } = saved);
    },
  });
  // Read beside the machine, on the replica's own thread: costs no command.
  return { ...machine, hasFree: () => jobs.some(({ untilMs }) => untilMs === undefined) };
}

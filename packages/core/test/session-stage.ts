import type { Batch, ManyResults, RelayedPart, Replica, Results, SlotMoment } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { bytesOf, Cluster, type ClusterOptions, textOf } from './cluster.ts';

/** Tells what it executed, and which sessions ended when. */
export class Recorder extends DigestMachine {
  readonly executed: string[];
  readonly sessions: (string | undefined)[] = [];
  readonly ended: string[] = [];

  constructor() {
    const executed: string[] = [];
    super(({ commands }) => executed.push(...commands));
    this.executed = executed;
  }

  override execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) this.sessions.push(batch.session(i));
    super.execute(batch, results);
  }

  sessionEnded(session: string, { slot, timeMs }: SlotMoment): void {
    this.ended.push(`${session} at ${slot} ${timeMs}`);
  }
}

/** Replicas whose state machines tell what becomes of sessions. */
export class SessionCluster extends Cluster {
  constructor(options: ClusterOptions = {}) {
    super({ machine: () => new Recorder(), ...options });
  }

  machine(id: number): Recorder {
    return this.machines.get(id) as Recorder;
  }

  /** The leader, and two others. */
  async three(): Promise<readonly [leader: Replica, a: Replica, b: Replica]> {
    const leader = await this.leader();
    const [a, b] = this.ids.filter((id) => id !== leader.id);
    return [leader, this.at(a as number), this.at(b as number)];
  }

  async caughtUp(): Promise<void> {
    for (const replica of this.replicas.values()) await replica.barrier('linearizable');
  }

  /** On every replica that runs, so many times. */
  timesExecuted(command: string): number[] {
    return [...this.replicas.keys()].map(
      (id) => this.machine(id).executed.filter((each) => each === command).length,
    );
  }

  async restarted(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.stop(id)));
    await Promise.all(this.ids.map((id) => this.start(id)));
    await this.leader();
  }
}

/** What a client hears that sends these sequences by this replica: results, or codes of errors. */
export function sent(
  by: Replica,
  part: RelayedPart,
  commands: readonly string[],
): Promise<string[]> {
  return new Promise((resolve) => {
    const heard: string[] = [];
    let left = commands.length;
    const hear = (i: number, text: string): void => {
      heard[i] = text;
      left -= 1;
      if (left === 0) resolve(heard);
    };
    const results: ManyResults = {
      result: (i, bytes) => hear(i, textOf(bytes)),
      error: (i, error) => hear(i, error.code),
    };
    by.relay.propose(part, commands.map(bytesOf), results);
  });
}

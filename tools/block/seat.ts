/** One group's replica in a process, with a state machine that blocks when it is told to. */
import { join } from 'node:path';
import { type PeerAddress, type Replica, startReplica, typed } from '@rsl/core';
import { fileLog } from '@rsl/log-file';
import { tcp } from '@rsl/transport-tcp';
import { Client, type Command, load } from './client.ts';
import type { Answer, Moment, Setup, Wanted } from './words.ts';

type Opening = Extract<Wanted, { readonly kind: 'open' }>;

const nothing = new Int32Array(new SharedArrayBuffer(4));

function sumOfAdds(id: number) {
  let total = 0;
  return typed({
    execute: (command: Command) => {
      if (command.kind === 'add') return (total += 1);
      // This thread stands still, as in a long call of the operating system, and takes no time of
      // the others' on a machine with few processors.
      if (command.id === id) Atomics.wait(nothing, 0, 0, command.ms);
      return total;
    },
    snapshot: () => total,
    restore: (state: number) => {
      total = state;
    },
  });
}

export class Seat {
  readonly #id: number;
  readonly #members: readonly PeerAddress[];
  readonly #replica: Replica<Command, number>;
  readonly #add: Uint8Array;
  #client: Client | undefined;

  private constructor(
    id: number,
    { members }: Opening,
    replica: Replica<Command, number>,
    add: Uint8Array,
  ) {
    this.#id = id;
    this.#members = members;
    this.#replica = replica;
    this.#add = add;
  }

  static async open({ id, isolation }: Setup, group: string, opening: Opening): Promise<Seat> {
    const { folder, members } = opening;
    const stateMachine = sumOfAdds(id);
    const replica = await startReplica({
      group,
      self: id,
      isolation,
      stateMachine,
      log: fileLog(join(folder, String(id))),
      transport: tcp(String(members.find((m) => m.id === id)?.addresses['tcp'])),
      peers: members.filter((m) => m.id !== id),
    });
    return new Seat(id, opening, replica, stateMachine.codec.encodeCommand({ kind: 'add' }));
  }

  async answerTo(wanted: Exclude<Wanted, Opening>): Promise<Answer['answer']> {
    switch (wanted.kind) {
      case 'bootstrap':
        await this.#replica.bootstrap(this.#members);
        return undefined;
      case 'moment':
        return this.#moment();
      case 'begin':
        this.#client = new Client(this.#replica);
        return undefined;
      case 'end':
        return this.#client?.stop();
      case 'block': {
        const timeoutMs = wanted.ms + 60_000;
        await this.#replica.propose({ kind: 'block', id: this.#id, ms: wanted.ms }, { timeoutMs });
        return undefined;
      }
      case 'load':
        return load(this.#replica, this.#add, wanted.ms);
      case 'close':
        await this.#replica.close();
        return undefined;
    }
  }

  #moment(): Moment {
    const { ballot, counters, executedThrough, leader } = this.#replica.status();
    const { appends = 0, framesSent = 0 } = counters;
    return { leader, round: ballot.round, appends, framesSent, executedThrough };
  }
}

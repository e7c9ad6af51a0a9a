/** The replica of one process, with a large state. */
import { join } from 'node:path';
import { type Replica, silentLogger, startReplica } from '@rsl/core';
import { fileLog } from '@rsl/log-file';
import { fileSnapshots, type Snapshots, snapshots } from '@rsl/snapshot';
import { mostPerSecond, OpenLoop } from './open-loop.ts';
import { routedTcp } from './routed-tcp.ts';
import { diskSpeed, linkSpeed } from './speeds.ts';
import { fillOf, Values } from './values.ts';
import type { Given, Setup, Wanted } from './words.ts';

/** Values that one command makes: a turn of a few milliseconds. */
const valuesPerFill = 1_024;
const timeoutMs = 60_000;

export class Seat {
  readonly #setup: Setup;
  readonly #values: Values;
  readonly #snapshots: Snapshots;
  #replica: Replica | undefined;
  #load: OpenLoop | undefined;

  constructor(setup: Setup) {
    const { folder, valueBytes } = setup;
    this.#setup = setup;
    this.#values = new Values({ valueBytes });
    const store = fileSnapshots(join(folder, 'snapshots'));
    this.#snapshots = snapshots({ ...setup.snapshots, store });
  }

  async answerTo(wanted: Wanted): Promise<Given[keyof Given]> {
    switch (wanted.kind) {
      case 'open':
        return this.#open();
      case 'link':
        return linkSpeed(this.#setup, wanted);
      case 'disk':
        return diskSpeed(this.#setup.folder, wanted.bytes);
      case 'bootstrap':
        await this.#opened.bootstrap(this.#setup.members);
        return undefined;
      case 'moment':
        return this.#moment();
      case 'fill':
        return this.#fill(wanted.from, wanted.count);
      case 'most':
        return mostPerSecond(this.#opened, wanted.load, wanted.ms);
      case 'load':
        this.#load = new OpenLoop(this.#opened, wanted.load);
        return undefined;
      case 'phase':
        this.#load?.phase(wanted.name);
        return undefined;
      case 'unload':
        return this.#load?.end();
      case 'save':
        return this.#save();
      case 'close':
        await this.#replica?.close();
        return undefined;
    }
  }

  get #opened(): Replica {
    if (this.#replica === undefined) throw new Error('it was not opened');
    return this.#replica;
  }

  async #open(): Promise<undefined> {
    const { folder, id, limits = {}, listen, members, routes } = this.#setup;
    this.#replica = await startReplica({
      group: 'measured',
      self: id,
      isolation: 'thread',
      stateMachine: this.#values,
      log: fileLog(join(folder, 'log')),
      transport: routedTcp({ listen, routes }),
      peers: members.filter((member) => member.id !== id),
      limits,
      logger: { ...silentLogger, error: (...what) => console.error(`replica ${id}`, ...what) },
      layers: [this.#snapshots],
    });
    return undefined;
  }

  async #fill(from: number, count: number): Promise<undefined> {
    for (let at = from; at < from + count; at += valuesPerFill) {
      const some = Math.min(valuesPerFill, from + count - at);
      await this.#opened.propose(fillOf(at, some), { timeoutMs });
    }
    return undefined;
  }

  async #save(): Promise<Given['save']> {
    const fromMs = performance.now();
    const { meta } = await this.#snapshots.saveNow();
    const { bytes, digest, slot } = meta;
    return { slot, digest, bytes, ms: Math.round(performance.now() - fromMs) };
  }

  #moment(): Given['moment'] {
    const { executedThrough, firstSlot, leader, state } = this.#opened.status();
    const leads = state === 'leader';
    return { leads, leader, executedThrough, firstSlot, values: this.#values.count };
  }
}

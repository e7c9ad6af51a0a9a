import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { localHosts } from '../lib/hosts.ts';
import type { Endpoint } from '../lib/resp-connection.ts';
import { type Server, serversOn } from '../lib/servers.ts';
import type { Group } from '../torture/group.ts';
import { FlakeyDisks } from './flakey-disk.ts';

const diskBytes = 512 * 1024 * 1024;
const replicas = 3;

/** A group of three, each with a disk of its own, and one power supply for all. */
export class PowerGroup implements Group {
  readonly endpoints: readonly Endpoint[];
  readonly sessionAddresses: readonly string[] = [];
  readonly #disks = new FlakeyDisks(replicas, diskBytes);
  readonly #servers: readonly Server[];
  #hasPower = false;

  constructor(environment: Readonly<Record<string, string>>) {
    const directory = '/mnt/servers';
    mkdirSync(directory, { recursive: true });
    const hosts = localHosts(replicas);
    this.#servers = serversOn({ hosts, directory, firstPort: 27_900, environment }).map(
      (server, i) => server.withDirectory(`${this.#disks.mountPoints[i]}/data`),
    );
    this.endpoints = this.#servers.map(({ options: { host, clientPort } }) => ({
      host: host.address,
      port: clientPort,
    }));
  }

  get unexpectedEnds(): readonly string[] {
    return this.#servers.flatMap(({ unexpectedEnds }) => unexpectedEnds);
  }

  start(): void {
    if (!this.#hasPower) this.#disks.switchOn();
    this.#hasPower = true;
    for (const server of this.#servers) if (!server.isRunning) server.start();
  }

  heal(): Promise<void> {
    this.start();
    return Promise.resolve();
  }

  /** What is there now will survive, whatever the servers do. */
  sync(): void {
    execFileSync('sync');
  }

  /**
   * All at once. The disks stand still before the servers die, and drop what waits only then: no
   * server can take a lost write for a durable one and tell a client.
   */
  async cutPower(): Promise<void> {
    this.#disks.freeze();
    const gone = this.#servers.map((server) => server.kill());
    this.#disks.dropWrites();
    await Promise.all(gone);
    this.#disks.switchOff();
    this.#hasPower = false;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
  }

  /** The end of each server's log, for whoever has to find out why. */
  logs(): string {
    return this.#servers
      .map(({ options }) =>
        execFileSync('tail', ['-n', '8', options.logFile], { encoding: 'utf8' }),
      )
      .join('\n');
  }
}

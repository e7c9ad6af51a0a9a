import { execFileSync } from 'node:child_process';

/** A place to run a server: an address, and what to put before the command. */
export interface Host {
  readonly address: string;
  readonly prefix: readonly string[];
}

/** Servers on one machine, told apart by their ports; no network to cut. */
export const localHosts = (count: number): Host[] =>
  Array.from({ length: count }, () => ({ address: '127.0.0.1', prefix: [] }));

/**
 * Hosts of their own: a network namespace for each, joined by a bridge. Only such a host can be
 * cut off without anybody being told. Needs root and iproute2.
 */
export class NamespaceHosts {
  readonly #name = `rsl${process.pid}`;
  readonly hosts: readonly Host[];

  constructor(count: number) {
    const net = `10.77.${process.pid % 200}`;
    const bridge = this.#name;
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('address', 'add', `${net}.254/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    this.hosts = Array.from({ length: count }, (_, i) => {
      const name = this.#namespace(i);
      const address = `${net}.${i + 1}`;
      ip('netns', 'add', name);
      ip('link', 'add', this.#link(i), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('link', 'set', this.#link(i), 'master', bridge, 'up');
      ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return { address, prefix: ['ip', 'netns', 'exec', name] };
    });
  }

  /** Nothing gets through from now on, and nobody is told: no reset, no refusal. */
  cut(i: number): void {
    ip('link', 'set', this.#link(i), 'nomaster');
  }

  join(i: number): void {
    ip('link', 'set', this.#link(i), 'master', this.#name);
  }

  /**
   * What `from` sends to `to` goes nowhere from now on; what `to` sends still arrives. The sender
   * has a wrong hardware address for it, so nothing refuses and nobody is told.
   */
  drop(from: number, to: number): void {
    const nobody = '02:00:00:00:00:01';
    const entry = [this.#address(to), 'lladdr', nobody, 'dev', 'eth0', 'nud', 'permanent'];
    ip('-n', this.#namespace(from), 'neighbour', 'replace', ...entry);
  }

  pass(from: number, to: number): void {
    ip('-n', this.#namespace(from), 'neighbour', 'delete', this.#address(to), 'dev', 'eth0');
  }

  remove(): void {
    for (const i of this.hosts.keys()) ip('netns', 'delete', this.#namespace(i));
    ip('link', 'delete', this.#name);
  }

  #address(i: number): string {
    return this.hosts[i]?.address ?? '';
  }

  #namespace(i: number): string {
    return `${this.#name}-${i}`;
  }

  #link(i: number): string {
    return `${this.#name}v${i}`;
  }
}

/** Why there can be no namespaces here; undefined if there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  try {
    ip('netns', 'add', `rsl-try${process.pid}`);
    ip('netns', 'delete', `rsl-try${process.pid}`);
    return undefined;
  } catch (error) {
    return `no network namespaces: ${(error as Error).message.split('\n')[0]}`;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

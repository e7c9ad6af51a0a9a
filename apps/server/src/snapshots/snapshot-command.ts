import type { Command } from 'commander';
import type { HostPort } from '@rsl/transport-tcp';

/** What `rsl-server snapshot copy` was told. */
export interface SnapshotCopy {
  readonly client: HostPort;
  /** A directory of snapshots; made if missing. */
  readonly to: string;
}

export interface SnapshotActions {
  snapshotSave(this: void, client: HostPort): Promise<void>;
  snapshotList(this: void, client: HostPort): Promise<void>;
  snapshotStop(this: void, client: HostPort): Promise<void>;
  snapshotAllow(this: void, client: HostPort): Promise<void>;
  snapshotCopy(this: void, given: SnapshotCopy): Promise<void>;
}

interface Address {
  readonly flags: string;
  readonly parse: (text: string) => HostPort;
}

/** `snapshot save|list|stop|allow|copy`: an operator's hand on a server that runs. */
export function addSnapshot(root: Command, actions: SnapshotActions, address: Address): void {
  const snapshot = root
    .command('snapshot')
    .description('Saves, lists and copies the snapshots of a running server; see README.md.');
  const asking = (name: string, about: string): Command =>
    snapshot
      .command(name)
      .description(about)
      .requiredOption(address.flags, 'where the server listens for clients', address.parse);
  type Given = { readonly client: HostPort };
  asking('save', 'Saves one now, waits until it is durable, and prints where it is.').action(
    ({ client }: Given) => actions.snapshotSave(client),
  );
  asking('list', 'Prints those that the server has, the newest first.').action(
    ({ client }: Given) => actions.snapshotList(client),
  );
  asking('stop', 'None is saved by itself until `allow` or a restart; the log grows.').action(
    ({ client }: Given) => actions.snapshotStop(client),
  );
  asking('allow', 'They are saved by themselves again.').action(({ client }: Given) =>
    actions.snapshotAllow(client),
  );
  asking('copy', 'Copies the newest one into a directory while the server runs, and verifies it.')
    .requiredOption('--to <directory>', 'a directory of snapshots; made if missing')
    .action((given: SnapshotCopy) => actions.snapshotCopy(given));
}

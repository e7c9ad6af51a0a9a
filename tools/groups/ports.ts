// Where the groups of the measurement keep their logs and how their replicas talk: the one place
// to change for another medium or network.
import type { LogStore, Port, Transport } from '@rsl/core/protocol';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

export interface GroupPorts {
  readonly members: readonly { readonly id: number; readonly addresses: { memory: string } }[];
  readonly portsOf: (id: number) => {
    readonly log: Port<LogStore>;
    readonly transport: Port<Transport>;
  };
}

/** Three members in this process. */
export function portsOfGroup(): GroupPorts {
  const network = new MemoryNetwork();
  const addressOf = (id: number): string => `memory:${id}`;
  return {
    members: [1, 2, 3].map((id) => ({ id, addresses: { memory: addressOf(id) } })),
    portsOf: (id) => ({ log: memoryLog(), transport: memoryTransport(network, addressOf(id)) }),
  };
}

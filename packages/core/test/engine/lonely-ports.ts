/** Ports for a group of one, which can be opened on another thread. */
import type { Port } from '@rsl/core';
import type { LogStore, Transport } from '@rsl/core/protocol';
import { memoryLog } from '@rsl/core/testing';

const here = (name: string, options: unknown) => ({
  remote: { module: import.meta.url, name, options },
});

/** Forgets everything with its thread. */
export function lonelyLog(): Port<LogStore> {
  return { ...memoryLog(), ...here('lonelyLog', undefined) };
}

/** What goes wrong with it, and when. */
export type Fault = 'none' | 'open' | 'exit' | 'throw';

/** Nobody is there. With a fault it cannot be opened, or ends its thread after a while. */
export function lonelyTransport(fault: Fault = 'none'): Port<Transport> {
  return {
    open: async () => {
      if (fault === 'open') throw new Error('no such network');
      const endpoint = { peers() {}, send: () => false, queuedBytes: () => 0, close() {} };
      return {
        address: 'nowhere',
        open: () => {
          if (fault === 'exit') setTimeout(() => process.exit(7), 300);
          if (fault === 'throw')
            setTimeout(() => {
              throw new Error('the network has exploded');
            }, 300);
          return endpoint;
        },
        close: async () => undefined,
      };
    },
    ...here('lonelyTransport', fault),
  };
}

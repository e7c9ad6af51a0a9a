import { transportCases } from '@rsl/core/conformance';
import type { Endpoint } from '@rsl/core/protocol';
import { describe, test } from 'vitest';
import { type TcpTransport, tcp } from '../src/index.ts';
import { storeOf } from './actors.ts';
import { context } from './context.ts';

for (const scene of transportCases) {
  test(scene.name, { timeout: 30_000 }, () =>
    scene.run(async (limits = {}) => {
      const transport = await tcp('127.0.0.1:0').open(context({ limits }));
      return { transport, addresses: { tcp: transport.address } };
    }),
  );
}

/** Other groups of the same processes, which never stop talking. */
function crowd(transport: TcpTransport, id: number, others: readonly string[]): void {
  for (let i = 0; i < 5; i++) {
    const local = { group: `crowd ${i}`, id, store: storeOf(id), instance: id };
    const endpoint: Endpoint = transport.open(local, {
      frame: (from, frame) => void endpoint.send(from.id, 'bulk', [frame.slice()]),
      peer: (peer, up) => {
        if (up && peer.id < id) endpoint.send(peer.id, 'bulk', [Buffer.from(`I am ${id}`)]);
      },
      drain: () => {},
    });
    endpoint.peers(others.map((tcp, at) => ({ id: at + 1, addresses: { tcp } })));
  }
}

describe('with other groups on the same links', () => {
  for (const scene of transportCases) {
    const addresses: string[] = [];
    test(scene.name, { timeout: 30_000 }, () =>
      scene.run(async (limits = {}) => {
        const transport = await tcp('127.0.0.1:0').open(context({ limits }));
        crowd(transport, addresses.length + 1, addresses);
        addresses.push(transport.address);
        return { transport, addresses: { tcp: transport.address } };
      }),
    );
  }
});

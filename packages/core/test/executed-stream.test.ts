import type { ExecutedSlot, Replica } from '@rsl/core';
import { startReplica, typed } from '@rsl/core';
import { MemoryDisk, MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, textOf, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

/** Reads until so many commands have come. */
async function read(
  stream: AsyncIterable<ExecutedSlot>,
  commands: number,
): Promise<{ readonly slots: number[]; readonly texts: string[]; readonly last: number }> {
  const slots: number[] = [];
  const texts: string[] = [];
  for await (const item of stream) {
    slots.push(item.slot);
    texts.push(...item.commands.map(textOf));
    if (texts.length >= commands) break;
  }
  return { slots, texts, last: slots.at(-1) ?? 0 };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    ({ code }: { readonly code: string }) => code,
  );

const next = (stream: AsyncIterable<ExecutedSlot>) => stream[Symbol.asyncIterator]().next();

test('every replica tells the same, each slot once and in order, from any slot on', async () => {
  cluster = await new Cluster().formed();
  const names = Array.from({ length: 200 }, (_, i) => `command ${i}`);
  const live = read(cluster.at(2).executed({ from: 1 }), names.length);
  for (const name of names) await cluster.at(1 + (name.length % 3)).propose(bytesOf(name));
  const heard = await live;
  expect(heard.texts).toEqual(names);
  expect(heard.slots).toEqual(heard.slots.map((_, i) => i + 1));
  for (const id of cluster.ids) {
    await cluster.at(id).barrier({ atLeast: heard.last });
    expect(await read(cluster.at(id).executed({ from: 1 }), names.length)).toEqual(heard);
  }
});

test('who has dealt with a slot goes on at the next one, at another replica too', async () => {
  cluster = await new Cluster().formed();
  const names = Array.from({ length: 60 }, (_, i) => `command ${i}`);
  const done = proposed(cluster.at(1), names);
  const texts: string[] = [];
  let from = 1;
  for (let i = 0; texts.length < names.length; i += 1) {
    const part = await read(cluster.at(1 + (i % 3)).executed({ from }), 1);
    texts.push(...part.texts);
    from = part.last + 1;
  }
  expect(texts).toEqual(names);
  await done;
});

test('a repeated command of a session is told once, words about sessions not at all', async () => {
  cluster = await new Cluster().formed();
  const replica = cluster.at(1);
  const session = await replica.relay.open(5_000);
  const send = (firstSequence: number, ...texts: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      let left = texts.length;
      const part = { session, firstSequence, acknowledged: 0 };
      const result = (): void => {
        left -= 1;
        if (left === 0) resolve();
      };
      replica.relay.propose(part, texts.map(bytesOf), { result, error: (_, e) => reject(e) });
    });
  await send(1, 'a', 'b');
  await send(1, 'a', 'b', 'c');
  await send(2, 'b');
  await replica.relay.use(session, 3);
  await replica.relay.close(session);
  await replica.propose(bytesOf('end'));
  expect((await read(replica.executed({ from: 1 }), 4)).texts).toEqual(['a', 'b', 'c', 'end']);
});

test('a slot that was skipped is told, and its commands are not', async () => {
  cluster = await new Cluster({ replicas: 1 }).formed();
  const slot = Number(textOf(await cluster.at(1).propose(bytesOf('poison'))).split('.')[0]);
  await cluster.stop(1);
  cluster.skip = [slot];
  await cluster.start(1);
  await cluster.leader();
  await cluster.at(1).propose(bytesOf('b'));
  const { slots, texts } = await read(cluster.at(1).executed({ from: 1 }), 1);
  expect([slots.includes(slot), texts]).toEqual([true, ['b']]);
});

test('group time comes with each slot, and never goes back', async () => {
  cluster = await new Cluster().formed();
  await proposed(cluster.at(1), ['a', 'b', 'c']);
  const times: number[] = [];
  for await (const { commands, timeMs } of cluster.at(1).executed({ from: 1 })) {
    times.push(timeMs);
    if (commands.some((command) => textOf(command) === 'c')) break;
  }
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times.at(-1)).toBeGreaterThan(0);
});

test('who is behind what is kept is told where it may begin, and begins anew', async () => {
  cluster = await new Cluster({ limits: { streamBytesMax: 4_096 } }).formed();
  const replica = cluster.at(1);
  const stream = replica.executed({ from: 1 })[Symbol.asyncIterator]();
  expect((await stream.next()).value).toMatchObject({ slot: 1 });
  for (let i = 0; i < 40; i += 1) await replica.propose(bytesOf(`command ${i}`));
  const error = await stream.next().catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'RSL_STREAM_BEHIND', slot: 2, outcome: 'none' });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  const { firstSlot } = error as { readonly firstSlot: number };
  expect((await next(replica.executed({ from: firstSlot }))).value).toMatchObject({
    slot: firstSlot,
  });
  expect(await codeOf(next(replica.executed({ from: firstSlot - 1 })))).toBe('RSL_STREAM_BEHIND');
  const from = replica.executedThrough + 1;
  const fresh = read(replica.executed({ from }), 1);
  await replica.propose(bytesOf('fresh'));
  expect((await fresh).texts).toEqual(['fresh']);
});

test('nobody waits for a slow reader', async () => {
  cluster = await new Cluster({ limits: { streamBytesMax: 4_096 } }).formed();
  const replica = cluster.at(1);
  const slow = replica.executed({ from: 1 })[Symbol.asyncIterator]();
  await slow.next();
  const results = await proposed(
    replica,
    Array.from({ length: 5_000 }, (_, i) => `command ${i}`),
  );
  expect(results.every((result) => /^\d+\.\d+$/.test(result))).toBe(true);
  await slow.return?.();
});

test('a replica gets its turn however much is read at once', async () => {
  // What is kept could be handed over without one turn of the event loop: the replica would not
  // vote meanwhile.
  cluster = await new Cluster().formed();
  const replica = cluster.at(1);
  const command = new Uint8Array(100_000);
  await Promise.all(Array.from({ length: 20 }, () => replica.propose(command)));
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  let bytes = 0;
  for await (const { commands } of replica.executed({ from: 1 })) {
    for (const { length } of commands) bytes += length;
    if (bytes === 20 * command.length) break;
  }
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(4);
});

test('the end of the replica, or a signal, ends a stream that waits', async () => {
  cluster = await new Cluster().formed();
  const replica = cluster.at(1);
  const stop = new AbortController();
  const [aborted, closed] = [
    codeOf(next(replica.executed({ from: 1_000, signal: stop.signal }))),
    codeOf(next(replica.executed({ from: 1_000 }))),
  ];
  stop.abort();
  expect(await aborted).toBe('RSL_ABORTED');
  expect(await codeOf(next(replica.executed({ from: 1, signal: stop.signal })))).toBe(
    'RSL_ABORTED',
  );
  await cluster.stop(1);
  expect(await closed).toBe('RSL_CLOSED');
  expect(await codeOf(next(replica.executed({ from: 1 })))).toBe('RSL_CLOSED');
});

test('what is no slot is refused, before anything is read', async () => {
  cluster = new Cluster();
  const alone = await cluster.start(1);
  for (const from of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
    expect(() => alone.executed({ from })).toThrowError(
      expect.objectContaining({ code: 'RSL_INVALID_OPTION', option: 'from' }) as Error,
    );
  }
});

type Add = { readonly add: number };

function adding() {
  return typed<Add, number, number>({
    execute: ({ add }) => add,
    snapshot: () => 0,
    restore: () => undefined,
  });
}

async function alone<C, R>(
  disk: MemoryDisk,
  stateMachine: Parameters<typeof startReplica<C, R>>[0]['stateMachine'],
): Promise<Replica<C, R>> {
  const transport = memoryTransport(new MemoryNetwork(), 'memory:1');
  const [group, self, log] = ['alone', 1, memoryLog({ disk })];
  const replica = await startReplica<C, R>({ group, self, stateMachine, log, transport });
  await replica.bootstrap([{ id: 1, addresses: { memory: 'memory:1' } }]);
  return replica;
}

test('a typed machine has its own commands back, those from before a restart too', async () => {
  cluster = new Cluster();
  const disk = new MemoryDisk();
  const before = await alone(disk, adding());
  await before.propose({ add: 5 });
  await before.close();
  const replica = await alone(disk, adding());
  await replica.propose({ add: 6 });
  const commands: Add[] = [];
  for await (const slot of replica.executed({ from: 1 })) {
    commands.push(...slot.commands);
    if (commands.length === 2) break;
  }
  expect(commands).toEqual([{ add: 5 }, { add: 6 }]);
  await replica.close();
});

test('a codec that cannot decode commands has no streams, and says so', async () => {
  cluster = new Cluster();
  const machine = adding();
  const codec = {
    encodeCommand: (command: Add) => machine.codec.encodeCommand(command),
    decodeResult: (bytes: Uint8Array) => machine.codec.decodeResult(bytes),
  };
  const replica = await alone(new MemoryDisk(), { ...machine, codec });
  expect(() => replica.executed()).toThrowError(/decodeCommand/);
  await until('it leads', () => replica.status().state === 'leader');
  await replica.close();
});

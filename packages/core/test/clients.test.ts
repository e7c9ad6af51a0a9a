import { MemoryClientNetwork } from '../src/testing/memory-client-network.ts';
import type { Batch, Results, StateMachine } from '@rsl/core';
import { type Client, type ClientOptions, serveClients } from '@rsl/core/client';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, type ClusterOptions, textOf, until } from './cluster.ts';

let network: MemoryClientNetwork;
let cluster: Cluster;
let clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await cluster.close();
});

async function formed(options: ClusterOptions = {}): Promise<Cluster> {
  network = new MemoryClientNetwork();
  cluster = await new Cluster({ clients: network, ...options }).formed();
  return cluster;
}

function connect(options: Partial<ClientOptions> = {}): Client {
  const client = cluster.client(options);
  clients.push(client);
  return client;
}

/** Counts each command, by its text, and answers with the count. */
class Counts implements StateMachine {
  readonly counts = new Map<string, number>();
  readonly sessions = new Set<string | undefined>();

  execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) {
      const command = textOf(batch.bytes.subarray(batch.start(i), batch.end(i)));
      const count = (this.counts.get(command) ?? 0) + 1;
      this.counts.set(command, count);
      this.sessions.add(batch.session(i));
      results.push(bytesOf(`${command}: ${count}`));
    }
  }

  query(question: Uint8Array): Uint8Array {
    const command = textOf(question);
    if (command === '') throw new Error('of what?');
    return bytesOf(`${this.counts.get(command) ?? 0}`);
  }

  save(): Uint8Array[] {
    return [];
  }

  load(): Promise<void> {
    return Promise.resolve();
  }
}

const counting = (): Promise<Cluster> => formed({ machine: () => new Counts() });
const countsAt = (id: number): Counts => cluster.machines.get(id) as Counts;

test('a client proposes, asks, and reads a status', async () => {
  await counting();
  const client = connect();
  expect(textOf(await client.propose(bytesOf('a')))).toBe('a: 1');
  expect(textOf(await client.propose(bytesOf('a')))).toBe('a: 2');
  expect(textOf(await client.query(bytesOf('a')))).toBe('2');
  expect(textOf(await client.query(bytesOf('b'), { level: 'local' }))).toBe('0');
  expect(await client.status()).toMatchObject({ group: 'tested', configuration: 1 });
  expect(client.session).toMatch(/^\d+\.\d+$/);
  expect([...countsAt(1).sessions]).toEqual([client.session]);
});

test('a client never reads what is older than what it has read, at any replica (Q3)', async () => {
  await counting();
  const [at1, at2] = [connect({ addresses: ['client:1'] }), connect({ addresses: ['client:2'] })];
  expect(at1.seenThrough).toBe(0);
  for (let i = 1; i < 20; i += 1) {
    await at1.propose(bytesOf('a'));
    const read = Number(textOf(await at1.query(bytesOf('a'))));
    const atLeast = at1.seenThrough;
    expect(atLeast).toBeGreaterThanOrEqual(i);
    const again = Number(textOf(await at2.query(bytesOf('a'), { level: { atLeast } })));
    expect([read, again >= read]).toEqual([i, true]);
    expect(at2.seenThrough).toBeGreaterThanOrEqual(atLeast);
  }
});

test('a query at a slot that is not reached says so; what is no slot is refused', async () => {
  await counting();
  const far = connect().query(bytesOf('a'), { level: { atLeast: 1_000 }, timeoutMs: 50 });
  await expect(far).rejects.toMatchObject({ code: 'RSL_SLOT_NOT_REACHED', outcome: 'none' });
  for (const atLeast of [-1, 0.5, Number.NaN]) {
    const none = connect().query(bytesOf('a'), { level: { atLeast } });
    await expect(none).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
  }
});

test('a query that the state machine cannot answer says why', async () => {
  await counting();
  const failed = connect().query(bytesOf(''));
  await expect(failed).rejects.toMatchObject({
    code: 'RSL_QUERY_FAILED',
    message: expect.stringContaining('of what?') as string,
  });
});

test('a client goes to where the leader is', async () => {
  await formed();
  const leader = await cluster.leader();
  const other = cluster.ids.find((id) => id !== leader.id) as number;
  const client = connect({ addresses: [`client:${other}`] });
  await client.propose(bytesOf('a'));
  await until('it is there', () => client.connectedTo === `client:${leader.id}`);
});

test('through the end of a leader every command is executed once', async () => {
  await counting();
  const client = connect();
  const leader = await cluster.leader();
  const pending = Promise.all(
    Array.from({ length: 300 }, (_, i) => client.propose(bytesOf(`command ${i}`))),
  );
  await until('some have been executed', () => countsAt(leader.id).counts.size > 20);
  await cluster.stop(leader.id);
  const results = (await pending).map(textOf);
  expect(results).toEqual(Array.from({ length: 300 }, (_, i) => `command ${i}: 1`));
  const { id } = await cluster.leader();
  expect([...countsAt(id).counts.values()].every((count) => count === 1)).toBe(true);
});

test('however often connections break, every command is executed once', async () => {
  const limits = { batchCommandsMax: 4, slotsInFlightMax: 1 };
  await formed({ machine: () => new Counts(), limits });
  const timings = { tickMs: 2, retryMsMin: 1, retryMsMax: 5 };
  const client = connect({ timings, limits: { frameCommandsMax: 4 } });
  let left = 250;
  const results: string[] = [];
  const done = Array.from({ length: left }, (_, i) =>
    client.propose(bytesOf(`command ${i}`)).then((result) => {
      left -= 1;
      results[i] = textOf(result);
    }),
  );
  let breaks = 0;
  while (left > 0) {
    await until('a connection', () => client.connectedTo !== undefined || left === 0);
    const before = left;
    const { connectedTo } = client;
    await until('progress', () => left < before || client.connectedTo !== connectedTo);
    if (client.connectedTo !== undefined) network.break(client.connectedTo);
    breaks += 1;
  }
  await Promise.all(done);
  expect(breaks).toBeGreaterThan(1);
  expect(results).toEqual(Array.from({ length: 250 }, (_, i) => `command ${i}: 1`));
}, 20_000);

test('what was sent and has no answer may have been executed, what was not, was not', async () => {
  await formed();
  const client = connect();
  await client.propose(bytesOf('a'));
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader.id);
  for (const id of others) await cluster.stop(id);
  await until('it is at who is left', () => client.connectedTo === `client:${leader.id}`);
  const sent = client.propose(bytesOf('b'), { timeoutMs: 300 });
  await expect(sent).rejects.toMatchObject({ code: 'RSL_OUTCOME_UNKNOWN' });
  await cluster.stop(leader.id);
  await until('it is nowhere', () => client.connectedTo === undefined);
  const unsent = client.propose(bytesOf('c'), { timeoutMs: 300 });
  await expect(unsent).rejects.toMatchObject({ code: 'RSL_NOT_LEADER' });
});

test('a client may give up, before or after a command has left', async () => {
  await formed();
  const client = connect();
  await client.propose(bytesOf('a'));
  const given = AbortSignal.abort('no');
  await expect(client.propose(bytesOf('b'), { signal: given })).rejects.toMatchObject({
    code: 'RSL_ABORTED',
  });
  const caller = new AbortController();
  const unsent = client.propose(bytesOf('c'), { signal: caller.signal });
  caller.abort();
  await expect(unsent).rejects.toMatchObject({ code: 'RSL_ABORTED' });
});

test('there are bounds, and they are named', async () => {
  await formed();
  const client = connect({ limits: { pendingCommandsMax: 2, pendingQuestionsMax: 1 } });
  const pending = [client.propose(bytesOf('a')), client.propose(bytesOf('b'))];
  const limit = 'pendingCommandsMax';
  await expect(client.propose(bytesOf('c'))).rejects.toMatchObject({
    code: 'RSL_OVERLOADED',
    limit,
  });
  await Promise.all(pending);
  const status = client.status();
  await expect(client.status()).rejects.toMatchObject({ limit: 'pendingQuestionsMax' });
  await status;
});

test('a client of another group is let in nowhere', async () => {
  await formed();
  const client = connect({ group: 'another' });
  await expect(client.propose(bytesOf('a'), { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'RSL_NOT_LEADER',
  });
  expect(client.connectedTo).toBeUndefined();
});

test('an idle client keeps its session; one that is away for too long has another', async () => {
  await counting();
  const client = connect({ sessionTtlMs: 1_000 });
  await client.propose(bytesOf('a'));
  const { session } = client;
  const { timeMs } = cluster.at(1).status();
  await until('its time-out has passed twice', () => {
    return cluster.at(1).status().timeMs > timeMs + 2_000;
  });
  expect(textOf(await client.propose(bytesOf('a')))).toBe('a: 2');
  expect(client.session).toBe(session);
});

test('whoever watches hears of a status, until it has enough', async () => {
  await formed();
  const client = connect();
  const heard: string[] = [];
  const stop = client.watch(({ group }) => heard.push(group));
  await until('a status', () => heard.length > 0);
  stop();
  expect(heard[0]).toBe('tested');
});

test('a client that is closed ends what waits, and its session', async () => {
  await counting();
  const client = connect();
  await client.propose(bytesOf('a'));
  await client.close();
  await expect(client.propose(bytesOf('b'))).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  await expect(client.status()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
});

test('options that cannot be are refused', async () => {
  await formed();
  for (const [option, given] of [
    ['group', { group: '' }],
    ['addresses', { addresses: [] }],
    ['sessionTtlMs', { sessionTtlMs: 999 }],
    ['limits.pendingCommandsMax', { limits: { pendingCommandsMax: 4_097 } }],
    ['limits.unheardOf', { limits: { unheardOf: 1 } as never }],
    ['timings.tickMs', { timings: { tickMs: 0 } }],
    ['timings.answerMsMax', { timings: { answerMsMax: 10_000 } }],
    ['timings.answerMsMin', { timings: { answerMsMin: 8_001 } }],
    ['timings.restMsMin', { timings: { restMsMax: 999 } }],
    ['timings.retryMsMin', { timings: { retryMsMax: 49 } }],
  ] as const) {
    expect(() => cluster.client(given)).toThrowError(
      expect.objectContaining({ code: 'RSL_INVALID_OPTION', option }) as Error,
    );
  }
});

test('a bound of connections that cannot be is refused', async () => {
  await formed();
  const listen = network.listener('client:elsewhere');
  const served = serveClients(cluster.at(1), { listen, connectionCommandsMax: 0 });
  await expect(served).rejects.toMatchObject({ option: 'connectionCommandsMax' });
});

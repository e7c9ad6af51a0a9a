import { Redis } from 'ioredis';
import { createClient } from 'redis';

/** What both clients are asked for; the replies are those of Redis. */
interface Client {
  set(key: string, value: string): Promise<string | null>;
  get(key: string): Promise<string | null>;
  incr(key: string): Promise<number>;
  lpush(key: string, value: string): Promise<number>;
  close(): Promise<void>;
}

const connect: Record<string, (port: number) => Promise<Client>> = {
  ioredis: async (port) => {
    const redis = new Redis({ port, host: '127.0.0.1' });
    return {
      set: (key, value) => redis.set(key, value),
      get: (key) => redis.get(key),
      incr: (key) => redis.incr(key),
      lpush: (key, value) => redis.lpush(key, value),
      close: async () => void (await redis.quit()),
    };
  },
  'node-redis': async (port) => {
    const redis = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    return {
      set: (key, value) => redis.set(key, value),
      get: (key) => redis.get(key),
      incr: (key) => redis.incr(key),
      lpush: (key, value) => redis.lPush(key, value),
      close: () => redis.close(),
    };
  },
};

export const clientNames = Object.keys(connect);

/**
 * The four tests of redis-benchmark with a client that people use, `inFlight` requests at a time;
 * every reply is checked. Requests a second for each.
 */
export async function benchmarkWith(
  name: string,
  port: number,
  { requests, inFlight }: { readonly requests: number; readonly inFlight: number },
): Promise<Record<string, number>> {
  const client = await (connect[name] as (port: number) => Promise<Client>)(port);
  const key = (kind: string): string => `${name}:${port}:${kind}`;
  const counted = (reply: number, i: number): boolean => reply === i + 1;
  const tests: Record<string, (i: number) => Promise<boolean>> = {
    SET: async (i) => (await client.set(key('value'), `value ${i}`)) === 'OK',
    GET: async () => (await client.get(key('value'))) === `value ${requests - 1}`,
    INCR: async (i) => counted(await client.incr(key('count')), i),
    LPUSH: async (i) => counted(await client.lpush(key('list'), `${i}`), i),
  };
  const rates: Record<string, number> = {};
  for (const [test, request] of Object.entries(tests)) {
    const startedMs = performance.now();
    for (let i = 0; i < requests; i += inFlight) {
      const count = Math.min(inFlight, requests - i);
      const right = await Promise.all(Array.from({ length: count }, (_, k) => request(i + k)));
      if (right.includes(false)) throw new Error(`${name}: a wrong reply to ${test}`);
    }
    rates[test] = Math.round((1_000 * requests) / (performance.now() - startedMs));
  }
  await client.close();
  return rates;
}

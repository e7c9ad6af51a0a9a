import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { formatAddress, isLoopback, parseAddress } from '../src/address.ts';
import { Backoff } from '../src/backoff.ts';
import { type TcpOptions, tcp } from '../src/index.ts';
import { context, seededRandom } from './context.ts';

const invalid = (option: string) => expect.objectContaining({ code: 'RSL_INVALID_OPTION', option });

test('addresses are host:port, with brackets around IPv6', () => {
  expect(parseAddress('127.0.0.1:7001')).toEqual({ host: '127.0.0.1', port: 7001 });
  expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(parseAddress('db1.example:65535')).toEqual({ host: 'db1.example', port: 65_535 });
  for (const wrong of [
    '',
    '7001',
    ':7001',
    'a:',
    'a:65536',
    '::1:7001',
    '[a]:1',
    'a:1x',
    'a b:1',
  ]) {
    expect(parseAddress(wrong), wrong).toBeUndefined();
  }
  expect(formatAddress({ host: '::1', port: 7 })).toBe('[::1]:7');
});

test('only what no other machine can reach is loopback', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1']) {
    expect(isLoopback(host), host).toBe(true);
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.evil.example', '127.evil.example']) {
    expect(isLoopback(host), host).toBe(false);
  }
});

test('listening beyond loopback in plain text has to be asked for', () => {
  expect(() => tcp('0.0.0.0:7001')).toThrow(invalid('listen'));
  expect(() => tcp('db1.example:7001')).toThrow(/allowPlaintext: true/);
  expect(tcp({ listen: '0.0.0.0:7001', allowPlaintext: true })).toBeDefined();
});

test('options are checked when they are given, and say their range', () => {
  const given = (options: object) => () =>
    tcp({ listen: '127.0.0.1:0', ...options } as unknown as TcpOptions);
  expect(given({ listen: 7001 })).toThrow(invalid('listen'));
  expect(given({ connectionsMax: 1 })).toThrow(/connectionsMax: must be a whole number of 2 …/);
  expect(given({ deadAfterMs: 999 })).toThrow(invalid('pingIntervalMs'));
  expect(given({ deadAfterMs: '5' })).toThrow(invalid('deadAfterMs'));
  expect(given({ reconnectDelayMsMin: 100, reconnectDelayMsMax: 99 })).toThrow(
    invalid('reconnectDelayMsMin'),
  );
  expect(given({ conectionsMax: 10 })).toThrow(/no option of that name/);
});

test('a port can be opened on another thread from its description', async () => {
  const port = tcp({ listen: '127.0.0.1:0', connectionsMax: 10 });
  const { module, name, options } = structuredClone(port.remote) ?? expect.unreachable();
  expect(name).toBe('tcp');
  expect(module).toMatch(/^file:/);
  expect(tcp(options as TcpOptions).remote).toEqual(port.remote);
});

test('port 0 takes a free port, and the address says which', async () => {
  for (const [listen, pattern] of [
    ['127.0.0.1:0', /^127\.0\.0\.1:[1-9]\d*$/],
    ['[::1]:0', /^\[::1\]:[1-9]\d*$/],
  ] as const) {
    const transport = await tcp(listen).open(context());
    expect(transport.address).toMatch(pattern);
    await transport.close();
  }
});

test('an address in use is RSL_LISTEN_FAILED', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const bound = holder.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  await expect(tcp(`127.0.0.1:${port}`).open(context())).rejects.toMatchObject({
    code: 'RSL_LISTEN_FAILED',
  });
  holder.close();
});

test('an identity that the wire cannot carry is refused', async () => {
  const transport = await tcp('127.0.0.1:0').open(context());
  const on = { frame: () => {}, peer: () => {}, drain: () => {} };
  const local = { group: 'g', id: 1, store: '0123456789abcdef', instance: 1 };
  expect(() => transport.open({ ...local, group: '' }, on)).toThrow(invalid('group'));
  expect(() => transport.open({ ...local, group: 'ä'.repeat(65) }, on)).toThrow(invalid('group'));
  expect(() => transport.open({ ...local, id: 65_536 }, on)).toThrow(invalid('self'));
  expect(() => transport.open({ ...local, store: 'XYZ' }, on)).toThrow(invalid('store'));
  expect(() => transport.open({ ...local, instance: Number.NaN }, on)).toThrow(invalid('instance'));
  await transport.close();
  expect(() => transport.open(local, on)).toThrow(invalid('group'));
});

test('waits double from the smallest to the largest, drawn from the upper half', () => {
  for (let seed = 0; seed < 50; seed++) {
    const backoff = new Backoff(50, 5_000, seededRandom(seed));
    for (const most of [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      const drawn = backoff.next();
      expect(drawn).toBeLessThanOrEqual(most);
      expect(drawn).toBeGreaterThanOrEqual(most / 2);
    }
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(50);
  }
});

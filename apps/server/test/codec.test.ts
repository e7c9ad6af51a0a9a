import { bytesCodec, type Command, textCodec } from '@rsl/server/codec';
import { expect, test } from 'vitest';
import { KeyValue } from '../src/key-value.ts';
import { FakeReplica } from './fake-replica.ts';

/** What clients elsewhere use, and the state machine, with nothing between them. */
function stage(replyBytesMax = 1_000_000) {
  const machine = new KeyValue(replyBytesMax);
  const replica = new FakeReplica(machine);
  const propose = async (command: Command, codec = textCodec) =>
    codec.decodeResult(await replica.propose(codec.encodeCommand(command)));
  const query = (command: Command) =>
    textCodec.decodeAnswer?.(machine.query(textCodec.encodeQuestion?.(command) as Uint8Array));
  return { machine, propose, query, replica };
}

test('a command is words, and a reply what they say in JavaScript', async () => {
  const { propose } = stage();
  expect(await propose(['SET', 'greeting', 'grüß dich'])).toBe('OK');
  expect(await propose(['get', 'greeting'])).toBe('grüß dich');
  expect(await propose(['GET', 'nothing'])).toBeNull();
  expect(await propose(['INCR', 'n'])).toBe(1);
  expect(await propose(['RPUSH', 'list', 'a', Buffer.from('b')])).toBe(2);
  expect(await propose(['LRANGE', 'list', '0', '-1'])).toEqual(['a', 'b']);
  await propose(['SET', 'n', '9223372036854775806']);
  expect(await propose(['INCR', 'n'])).toBe(9_223_372_036_854_775_807n);
});

test('any bytes survive', async () => {
  const { propose } = stage();
  const bytes = Buffer.from([0, 0x0d, 0x0a, 0xff, 0xc3]);
  await propose(['SET', bytes, bytes]);
  expect(await propose(['GET', bytes], bytesCodec)).toEqual(bytes);
});

test('several commands execute in one place, and each has its reply', async () => {
  const { propose, query } = stage();
  const multi = [
    ['INCR', 'a'],
    ['LPUSH', 'a', 'x'],
    ['INCR', 'b'],
  ];
  const wrongType = { code: 'RSL_APPLICATION', applicationCode: 'WRONGTYPE' };
  expect(await propose({ multi })).toMatchObject([1, wrongType, 1]);
  expect(query({ multi: [['GET', 'a'], ['GET', 'b'], ['PING']] })).toEqual(['1', '1', 'PONG']);
});

test('an error of the state machine is told as what it is', async () => {
  const { propose, query } = stage();
  await propose(['SET', 'text', 'x']);
  const notAnInteger = { code: 'RSL_APPLICATION', outcome: 'executed', applicationCode: 'ERR' };
  await expect(propose(['INCR', 'text'])).rejects.toMatchObject(notAnInteger);
  expect(() => query(['LLEN', 'text'])).toThrow('Operation against a key');
});

test('what is no command is refused before it is sent', () => {
  for (const [command, why] of [
    [['NOSUCH', 'a'], "'NOSUCH' is none on keys"],
    [[], "'' is none on keys"],
    [['GET'], 'get does not take 0 arguments'],
    [{ multi: [['INCR', 'a', 'b']] }, 'incr does not take 2 arguments'],
  ] satisfies [Command, string][]) {
    const refused = expect.objectContaining({ code: 'RSL_INVALID_OPTION' }) as Error;
    expect(() => textCodec.encodeCommand(command)).toThrow(refused);
    expect(() => textCodec.encodeCommand(command)).toThrow(why);
  }
});

test('a query changes nothing, whoever has encoded it', () => {
  const { machine, query } = stage();
  for (const command of [
    ['INCR', 'a'],
    ['TTL', 'a'],
    {
      multi: [
        ['GET', 'a'],
        ['DEL', 'a'],
      ],
    },
  ]) {
    expect(() => query(command as Command)).toThrow('propose it');
    const bytes = textCodec.encodeCommand(command as Command);
    expect(() => machine.query(bytes)).toThrow('a query only reads');
  }
  expect(query(['GET', 'a'])).toBeNull();
});

test('bytes that are no bundle harm nobody', async () => {
  const { machine, query, replica } = stage();
  for (const bytes of [[], [2, 5], [2, 3, 1, 0, 9], [3, 2, 200, 1], [2, 1, 0]]) {
    const result = Buffer.from(await replica.propose(Uint8Array.from(bytes)));
    expect(String(result)).toMatch(/^(\*9\r\n)?-ERR the log holds |^$/);
    expect(() => machine.query(Uint8Array.from(bytes))).toThrow(/./);
  }
  expect(query(['PING'])).toBe('PONG');
});

test('a reply that is too large is not told, and said to be gone', async () => {
  const { propose, query } = stage(100);
  await propose(['SET', 'a', 'x'.repeat(200)]);
  const gone = { code: 'RSL_RESULT_GONE', outcome: 'executed' };
  await expect(propose(['GET', 'a'])).rejects.toMatchObject(gone);
  expect(() => query(['GET', 'a'])).toThrow('larger than --max-output-bytes');
  expect(query(['STRLEN', 'a'])).toBe(200);
});

test('a result that is no reply is not believed', () => {
  for (const text of [
    '+OK',
    '?1\r\n',
    '$5\r\nabc\r\n',
    '$x\r\n',
    ':x\r\n',
    ':\r\n',
    '*2\r\n:1\r\n',
    ':1\r\n:2\r\n',
  ]) {
    expect(() => textCodec.decodeResult(Buffer.from(text))).toThrow('no reply of RESP2');
  }
});

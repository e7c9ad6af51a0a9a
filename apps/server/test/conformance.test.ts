import { stateMachineCases } from '@rsl/core/conformance';
import { test } from 'vitest';
import { BundleWriter } from '../src/bundle/bundle-writer.ts';
import { KeyValue } from '../src/key-value.ts';
import { commandOf } from './database.ts';

const lines = `
  SET a 1 | SET b 2 PX 3 | INCR a | APPEND a 0 | MSET c 3 d 4 | GETSET c 5 | SETNX c 6 | DECRBY a 4
  RPUSH l x y z | LPUSH l w | LPOP l | RPOP l 2 | HSET h f 1 g 2 | HDEL h f | HGETALL h | TTL b
  SADD s m n | SREM s m | SMEMBERS s | EXPIRE a 100 | PEXPIRE l 5 | PERSIST a | DEL d | GET nosuch
  INCR l | PEXPIRE s 50000 | SET e 1 EX 10 KEEPTTL | EXISTS a b c d | DBSIZE | STRLEN a | LLEN l`;

const commands = lines.split(/[|\n]/).flatMap((line) => {
  const words = line.split(' ').filter((word) => word !== '');
  if (words.length === 0) return [];
  const bundle = new BundleWriter(2, 0);
  bundle.add(...commandOf(words));
  return [bundle.bytes];
});

for (const each of stateMachineCases) {
  test(each.name, () => each.run(() => ({ machine: new KeyValue(1_000_000), commands })));
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type Actor, actor, clear, until } from './actors.ts';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await clear();
});

/** Replica 2 in a process of its own; it sends every frame back. */
async function echoProcess(listen: string, knows: Actor): Promise<[ChildProcess, string]> {
  const file = fileURLToPath(new URL('./fixtures/echo-process.ts', import.meta.url));
  const child = fork(file, [listen, knows.address], {
    execArgv: [
      '--conditions=@rsl/source',
      '--import',
      new URL('../../../tools/build/run-sources.mjs', import.meta.url).href,
    ],
  });
  children.push(child);
  const [address] = (await once(child, 'message')) as [string];
  return [child, address];
}

test('a process that is killed and started again is connected again, each time', async () => {
  const one = await actor(1, { reconnectDelayMsMax: 100 });
  let [child, address] = await echoProcess('127.0.0.1:0', one);
  one.knows({ id: 2, address });
  for (let life = 1; life <= 3; life++) {
    await until(() => one.up.has(2), 'it is up');
    expect(one.send(2, `life ${life}`)).toBe(true);
    await until(() => one.texts.includes(`life ${life}`), 'the echo comes');
    // In the middle of a stream of frames.
    for (let i = 0; i < 1_000; i++) one.send(2, 'x'.repeat(1_000));
    child.kill('SIGKILL');
    await until(() => !one.up.has(2), 'it is down');
    [child, address] = await echoProcess(address, one);
  }
  await until(() => one.up.has(2), 'it is up');
  expect(one.changes).toEqual(Array.from({ length: 7 }, (_, i) => (i % 2 ? 'down 2' : 'up 2')));
}, 30_000);

test('a process that is stopped is down in time, and up again when it goes on', async () => {
  const one = await actor(1, { pingIntervalMs: 100, deadAfterMs: 400, reconnectDelayMsMax: 100 });
  const [child, address] = await echoProcess('127.0.0.1:0', one);
  one.knows({ id: 2, address });
  await until(() => one.up.has(2), 'it is up');
  child.kill('SIGSTOP');
  await until(() => !one.up.has(2), 'it is down');
  child.kill('SIGCONT');
  await until(() => one.up.has(2), 'it is up again');
  one.send(2, 'back?');
  await until(() => one.texts.includes('back?'), 'the echo comes');
}, 30_000);

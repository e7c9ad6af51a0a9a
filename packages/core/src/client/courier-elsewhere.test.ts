import { expect, test } from 'vitest';
import { defaultClientTimings } from './client-options.ts';
import {
  answer,
  begun,
  begunAt,
  bytes,
  given,
  openSession,
  stage,
} from '../../test/courier-stage.ts';

const { answerMsMax, answerMsMin } = defaultClientTimings;

test('a replica that owes an answer is left for another, after ever longer waits', async () => {
  const { outcomes, propose, replicas, turn, wait } = stage(['a', 'b', 'c'], 60_000);
  await turn();
  replicas.last.welcome();
  propose('x');
  await turn();
  await openSession(replicas.last, turn);
  const waits: number[] = [];
  const given: string[] = [];
  for (let moves = 0; moves < 5; moves += 1) {
    const here = replicas.last;
    given.push(here.address);
    let waited = 0;
    // Whoever only says how it is, or where the leader is not, has not answered.
    for (; !here.isClosed && waited <= 2 * answerMsMax; waited += 20) {
      here.say({ kind: 'status', bytes: bytes('well') });
      await wait(20);
    }
    waits.push(waited);
    for (let i = 0; replicas.last === here && i < 100; i += 1) await wait(20);
    replicas.last.welcome();
    await wait(0);
    expect(replicas.last.take('commands')).toHaveLength(1);
    if (moves === 3) {
      // One answer, and the next replica that is silent is left as soon as the first one was.
      answer(replicas.last, 1, 'done');
      propose('y');
      await turn();
    }
  }
  const expected = [answerMsMin, 2 * answerMsMin, answerMsMax, answerMsMax, answerMsMin];
  for (const [i, ms] of expected.entries()) {
    expect(waits[i]).toBeGreaterThanOrEqual(ms);
    expect(waits[i]).toBeLessThanOrEqual(ms + 40);
  }
  expect(given[3]).toBe(given[0]);
  expect(new Set(given.slice(0, 3)).size).toBe(3);
  expect(outcomes.filter((text) => text.startsWith('x'))).toEqual(['x: done']);
});

test('a replica that owes nothing, or answers now and then, is not left', async () => {
  const { propose, replicas, turn, wait } = await begun('x');
  const here = replicas.last;
  answer(here, 1, '1');
  for (let i = 0; i < 20; i += 1) {
    here.take('ask').map(({ number }) => {
      here.say({ kind: 'answer', number, slot: 0, bytes: new Uint8Array(0) });
    });
    await wait(answerMsMin / 2);
  }
  propose('y', 'z', 'a');
  await turn();
  for (const sequence of [2, 3]) {
    await wait(answerMsMin - 1);
    answer(here, sequence, 'done');
  }
  await wait(answerMsMin - 1);
  expect(here.isClosed).toBe(false);
});

test('a question that nobody answers is asked elsewhere', async () => {
  const { courier, replicas, turn, wait } = await begunAt(['a', 'b']);
  const asked = courier.ask({ what: 'status' }, bytes(''), 9_000);
  await turn();
  const silent = replicas.last;
  for (let i = 0; replicas.last === silent && i < 500; i += 1) await wait(20);
  replicas.last.welcome();
  await wait(0);
  const [again] = replicas.last.take('ask');
  replicas.last.say({ kind: 'answer', number: again?.number ?? 0, slot: 3, bytes: bytes('yes') });
  expect(await asked).toMatchObject({ slot: 3 });
});

test('a command that the replica would refuse is refused before it is sent', async () => {
  const { outcomes, propose, replicas, turn } = await begun('x');
  given(replicas.last);
  expect(() => propose('y'.repeat(1_001))).toThrow(/1001 bytes .* commandBytesMax, 1000/);
  propose('z'.repeat(1_000));
  await turn();
  expect(replicas.last.take('commands')).toHaveLength(1);
  expect(outcomes).toEqual([]);
});

test('what no frame of the connection can hold ends, and harms nothing else', async () => {
  const { courier, outcomes, propose, replicas, turn, wait } = await begun('x');
  given(replicas.last);
  replicas.last.frameBytesMax = 200;
  propose('y'.repeat(300));
  await turn();
  propose('z');
  await turn();
  expect(outcomes).toEqual([`${'y'.repeat(300)}: RSL_COMMAND_TOO_LARGE`]);
  expect(given(replicas.last)).toEqual(['5.2 after 0, 3: z']);
  const asked = courier.ask({ what: 'status' }, bytes('?'.repeat(300)), 9_000);
  const refused = expect(asked).rejects.toMatchObject({ code: 'RSL_COMMAND_TOO_LARGE' });
  await wait(0);
  await refused;
});

test('what an earlier connection may have had a frame for is of unknown outcome', async () => {
  const { outcomes, replicas, wait } = await begun('x'.repeat(300));
  given(replicas.last);
  replicas.last.on.closed(undefined);
  await wait(100);
  replicas.last.frameBytesMax = 200;
  replicas.last.welcome();
  await wait(0);
  expect(outcomes).toEqual([`${'x'.repeat(300)}: RSL_OUTCOME_UNKNOWN`]);
});

test('who hears that nobody answered hears why', async () => {
  const { courier, propose, replicas, turn, wait } = stage();
  await turn();
  const errors: unknown[] = [];
  const asked = courier.ask({ what: 'status' }, bytes(''), 2_000).catch((e: unknown) => {
    errors.push(e);
  });
  propose('x');
  replicas.last.on.closed(new Error('refused by the machine'));
  await wait(1_000);
  await asked;
  expect(errors).toMatchObject([
    { code: 'RSL_NOT_LEADER', cause: { message: 'a: refused by the machine' } },
  ]);
});

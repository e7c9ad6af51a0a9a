import type { ManyResults, Relay } from '../../src/api.ts';
import type { Calls } from '../../src/host/calls.ts';
import { OwnSession } from '../../src/host/own-session.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { Session } from '../../src/sessions/session.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { breaking } from './breaking.ts';

const name = { slot: 4, offset: 2 };
const session = (): Session => new Session(name, 1_000, 0);
const bytes = new Uint8Array(8);

breaking('session-1 a sequence executes once (P9)', () => {
  const one = session();
  one.begin(1);
  one.finish(1, bytes);
  one.begin(1);
});

breaking('session-2 what finishes has begun (P9)', () => {
  session().finish(1, bytes);
});

breaking('session-3 what is acknowledged stays so (P9)', () => {
  session().acknowledge(Number.NaN);
});

breaking('session-4 bytes are given back with their results', () => {
  const one = session();
  one.begin(1);
  one.finish(1, bytes);
  one.bytes += 1;
  one.acknowledge(1);
});

breaking('session-5 without results it takes no bytes', () => {
  const one = session();
  one.begin(1);
  one.finish(1, bytes);
  one.bytes += 1;
  one.forgetResults();
});

function opened(sessions: Sessions, slot: number, ttlMs: number): Session {
  const one = sessions.open({ slot, offset: 0 }, ttlMs);
  if (one === undefined) throw new Error('too many');
  return one;
}

breaking('sessions-1 time never goes back (P10)', () => {
  new Sessions().pass(-1);
});

breaking('sessions-2 a name is given once (P9)', () => {
  const sessions = new Sessions();
  opened(sessions, 1, 1_000);
  opened(sessions, 1, 1_000);
});

breaking('sessions-3 results are counted once, and those of an ended session not at all', () => {
  // It executes, but its results go to a session that nobody has any more.
  const sessions = new Sessions();
  const one = opened(sessions, 1, 1_000);
  one.begin(1);
  sessions.close(one);
  sessions.finish(one, 1, bytes);
});

breaking('sessions-4 none outlives its time-out (P9)', () => {
  // A use that takes time away from a session, which the queue of ends does not look for.
  const sessions = new Sessions();
  opened(sessions, 1, 1_000);
  opened(sessions, 2, 5_000).usedMs = -5_000;
  sessions.pass(500);
  sessions.expire();
});

breaking('sessions-5 only results that are there are held', () => {
  const sessions = new Sessions();
  sessions.hold(opened(sessions, 1, 1_000));
});

breaking('own-session-1 nothing is acknowledged that was not proposed (P9)', () => {
  // Whoever answers gives two results for one command.
  let sink: ManyResults | undefined;
  const calls = {
    proposeMany: (_, results) => {
      sink = results;
    },
  } as Partial<Calls<Uint8Array, Uint8Array>> as Calls<Uint8Array, Uint8Array>;
  const clock = { ...systemClock, everyMs: () => () => undefined };
  const own = new OwnSession('4.2', 1_000, calls, {} as Relay, clock);
  own.proposeMany([bytes], { result: () => undefined, error: () => undefined });
  sink?.result(0, bytes);
  sink?.result(1, bytes);
});

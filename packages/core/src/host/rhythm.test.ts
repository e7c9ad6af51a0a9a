import { expect, test } from 'vitest';
import type { Protocol, ReplicaView } from '../paxos/protocol.ts';
import type { Clock } from '../ports/clock.ts';
import type { Commands } from './commands.ts';
import { Counters } from './counters.ts';
import type { Metrics } from './metrics.ts';
import { Rhythm } from './rhythm.ts';

interface Timer {
  readonly periodMs: number;
  readonly run: () => void;
}

function stage(role: ReplicaView['role'] = 'phase2') {
  const timers: Timer[] = [];
  const told: string[] = [];
  const passed: number[] = [];
  const state = { nowMs: 0, dueInMs: undefined as number | undefined };
  const clock = {
    nowMs: () => state.nowMs,
    everyMs: (periodMs: number, run: () => void) => {
      const timer = { periodMs, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  } as Clock;
  const commands = {
    onTick: (_protocol: Protocol | undefined, _canTake: boolean, nowMs: number) =>
      void passed.push(nowMs),
    get dueInMs() {
      return state.dueInMs;
    },
  } as Commands;
  const metrics = {
    ticked: () => void told.push('ticked'),
    ticksBegan: () => void told.push('ticks began'),
  } as Metrics;
  const host = {
    protocol: () => ({ view: { role } }) as Protocol,
    tick: () => void told.push('tick'),
    woken: () => void told.push('woken'),
    due: () => void told.push('due'),
  };
  const counters = new Counters();
  const rhythm = new Rhythm(host, { clock, tickMs: 10, commands, counters, metrics });
  /** The only timer runs, when it is due. */
  const pass = (): void => {
    const [timer] = timers;
    state.nowMs += timer?.periodMs ?? 0;
    timer?.run();
  };
  return { counters, passed, pass, rhythm, state, timers, told };
}

test('while it sleeps there is no timer, and when it wakes a tick comes at once', () => {
  const { counters, pass, rhythm, timers, told } = stage();
  rhythm.begin();
  pass();
  expect(told).toEqual(['ticked', 'tick']);
  rhythm.fellAsleep();
  expect(timers).toEqual([]);
  rhythm.woke();
  expect(told.slice(2)).toEqual(['ticks began', 'woken', 'tick']);
  expect(timers.map(({ periodMs }) => periodMs)).toEqual([10]);
  expect(counters.counts).toMatchObject({ sleeps: 1, wakes: 1 });
  rhythm.end();
  expect(timers).toEqual([]);
});

test('a leader wakes when time should pass, and looks at it twice a second until then', () => {
  const { passed, pass, rhythm, state, timers, told } = stage();
  rhythm.begin();
  state.dueInMs = 700.5;
  rhythm.fellAsleep();
  expect(timers.map(({ periodMs }) => periodMs)).toEqual([500]);
  state.dueInMs = 200.5;
  pass();
  expect(timers.map(({ periodMs }) => periodMs)).toEqual([201]);
  expect(told).toEqual([]);
  state.dueInMs = -0.5;
  pass();
  expect([told, timers]).toEqual([['due'], []]);
  expect(passed).toEqual([0, 500, 701]);
});

test('nobody but the leader looks at the time', () => {
  const { rhythm, state, timers } = stage('follower');
  rhythm.begin();
  state.dueInMs = 100;
  rhythm.fellAsleep();
  expect(timers).toEqual([]);
});

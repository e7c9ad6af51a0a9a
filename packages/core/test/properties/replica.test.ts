import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Action, actionsOf, Director, type Mix } from './actions.ts';
import { patienceMs, runs } from './runs.ts';
import { World } from './world.ts';
import type { Tuning } from '../paxos/fixture.ts';

/** Small enough that every bound is met. */
const tuning = {
  limits: { slotsInFlightMax: 3, voteAheadSlotsMax: 4, partBytesMax: 6, cacheBytesMax: 8 },
};

/** Everything that a failure needs to be understood is in its message. */
function told<T>(world: World, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const { trace } = world;
    const lines = trace.length <= 400 ? trace : [...trace.slice(0, 200), '…', ...trace.slice(-200)];
    throw new Error(`${why}\n${lines.join('\n')}`, { cause: error });
  }
}

function play(mix: Mix, actions: readonly Action[], tuned: Tuning = tuning) {
  const world = new World(mix.voters, tuned);
  const director = new Director(world, mix);
  told(world, () => {
    for (const action of actions) director.run(action);
  });
  return { world, director };
}

/** From now on everything works: everybody runs, nothing is lost, and time passes. */
function repair(world: World, director: Director, ms: number, isDone: () => boolean): void {
  for (const id of world.nodes.keys()) world.start(id);
  for (const endMs = world.nowMs + ms; world.nowMs < endMs && !isDone(); ) {
    world.nowMs += 10;
    for (const id of world.nodes.keys()) {
      world.step(id, { kind: 'tick' });
      world.step(id, { kind: 'turn-end' });
      director.executed(id, 0);
    }
    for (let i = 0; i < 1_000 && isBusy(world); i += 1) director.flow(1);
  }
}

const isBusy = (world: World): boolean =>
  world.bag.length > 0 || [...world.nodes.values()].some((node) => node.writes.length > 0);

const leaderOf = (world: World): number | undefined =>
  [...world.nodes].find(([, { replica }]) => (replica?.view.room ?? 0) > 0)?.[0];

/** A leader is found, takes a command, and everybody executes the same. */
function expectRecovery({ world, director }: ReturnType<typeof play>): void {
  const texts: string[] = [];
  let askedAtMs = -Infinity;
  const isEverywhere = (): boolean => {
    const leader = leaderOf(world);
    // What an earlier leader took may be lost with it, so there is a new one now and then.
    if (leader !== undefined && world.nowMs - askedAtMs >= 1_000) {
      texts.push(director.propose(leader));
      askedAtMs = world.nowMs;
    }
    return texts.some((text) => [...world.nodes.values()].every((n) => n.texts.includes(text)));
  };
  told(world, () => {
    repair(world, director, 20_000, isEverywhere);
    expect(isEverywhere(), 'a new command is executed by all').toBe(true);
  });
}

test(
  'three replicas never disagree, and go on when everything works again',
  () => {
    const mix: Mix = { voters: 3, actions: 150 };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => expectRecovery(play(mix, actions))),
      runs(301, 150),
    );
  },
  patienceMs,
);

test(
  'five replicas never disagree, and go on when everything works again',
  () => {
    const mix: Mix = { voters: 5, actions: 200 };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => expectRecovery(play(mix, actions))),
      runs(302, 30),
    );
  },
  patienceMs,
);

test(
  'replicas that depose each other all the time never disagree',
  () => {
    const mix: Mix = { voters: 3, actions: 250, duels: true };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => expectRecovery(play(mix, actions))),
      runs(306, 100),
    );
  },
  patienceMs,
);

test(
  'replicas with leases never disagree, nor read what is stale, and go on',
  () => {
    // All have one true clock here; that clocks go wrong is the matter of leases.test.ts.
    const mix: Mix = { voters: 3, actions: 250, duels: true };
    const leased = { ...tuning, lease: { forMs: 250, drift: 0.001 } };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => expectRecovery(play(mix, actions, leased))),
      runs(307, 100),
    );
  },
  patienceMs,
);

test(
  'a replica that cannot read some of its votes keeps nobody from deciding rightly',
  () => {
    const mix: Mix = { voters: 3, actions: 150, losesVotesOf: 2 };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => expectRecovery(play(mix, actions))),
      runs(303, 60),
    );
  },
  patienceMs,
);

test(
  'replicas that forget what they have executed never disagree',
  () => {
    // Whoever is behind what is kept waits for a snapshot, so not everybody goes on.
    const mix: Mix = { voters: 3, actions: 150, truncates: true };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => {
        const { world, director } = play(mix, actions);
        told(world, () => repair(world, director, 3_000, () => false));
      }),
      runs(304, 40),
    );
  },
  patienceMs,
);

test(
  'nothing is executed after a stop, anywhere',
  () => {
    const mix: Mix = { voters: 3, actions: 150, stops: true };
    fc.assert(
      fc.property(actionsOf(mix), (actions) => {
        const { world, director } = play(mix, actions);
        told(world, () => {
          repair(world, director, 1_000, () => false);
          for (const { texts } of world.nodes.values()) {
            const at = texts.indexOf('(stop)');
            expect(at < 0 || at === texts.length - 1, texts.join(' ')).toBe(true);
          }
        });
      }),
      runs(305, 60),
    );
  },
  patienceMs,
);

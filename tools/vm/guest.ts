// Inside the virtual machine: three servers under load lose their power, all at once, again and
// again. Each time every acknowledged write must be there, and all replicas equal. The last line is
// JSON. Exit codes: 127 crash or contract, 128 liveness, 129 safety.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { History } from '../torture/history.ts';
import { TortureFailed } from '../torture/judge.ts';
import { randomOf, torture } from '../torture/torture.ts';
import { PowerGroup } from './power-group.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    /** A library that makes every sync of the servers a no-op. */
    'no-sync': { type: 'string', default: '' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
const noSync = values['no-sync'];

/** So long at least, until so many commands are acknowledged, is there load before a cut. */
const loadMsMin = 1_000;
const loadMsMax = 60_000;
const acknowledgedMin = 50;
const acknowledgedMax = 400;
/** Emulation is slow, and its clock may be fast; whoever starts the machine has a bound, too. */
const options = {
  seed,
  clientsPerReplica: 2,
  sessionClients: 0,
  retriesAsNew: false,
  pauseMsMax: 4,
  replyWithinMs: 10_000,
  reconnectAfterMs: 500,
  serveWithinMs: 900_000,
  equalWithinMs: 900_000,
};
const exitCodes = { contract: 127, liveness: 128, safety: 129 } as const;

const group = new PowerGroup(noSync === '' ? {} : { LD_PRELOAD: noSync });
const history = new History();
const random = randomOf(seed, 'power');
const startMs = performance.now();
const servedAfterMs: number[] = [];

try {
  for (let round = 1; round <= rounds; round += 1) await play(round);
  await group.close();
  summarize('ok');
} catch (error) {
  const kind = error instanceof TortureFailed ? error.kind : 'contract';
  console.log(`${kind}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  if (noSync === '') console.log(group.logs());
  await group.close();
  summarize(kind);
  process.exitCode = exitCodes[kind];
}

async function play(round: number): Promise<void> {
  const before = history.acknowledged;
  const enough = acknowledgedMin + random.below(acknowledgedMax - acknowledgedMin);
  let atStake = 0;
  const name = `round ${round}`;
  const report = await torture(group, { ...options, name }, history, async () => {
    // Without syncs the group itself would be lost, and with it the question.
    if (noSync !== '') group.sync();
    const loadStartMs = performance.now();
    await delay(loadMsMin);
    while (history.acknowledged < before + enough && passed(loadStartMs) < loadMsMax)
      await delay(1);
    atStake = history.acknowledged - before;
    await group.cutPower();
  });
  servedAfterMs.push(report.servedAfterMs);
  console.log(
    `round ${round}: power cut after ${atStake} acknowledged commands; ` +
      `serves again after ${report.servedAfterMs} ms, ${report.keys} keys are as they must be`,
  );
}

function passed(sinceMs: number): number {
  return performance.now() - sinceMs;
}

function summarize(verdict: keyof typeof exitCodes | 'ok'): void {
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  const { acknowledged, operations } = history;
  const cuts = servedAfterMs.length;
  const judged = operations.length;
  const worst = Math.max(0, ...servedAfterMs);
  console.log(
    JSON.stringify({ seed, verdict, rounds: cuts, seconds, acknowledged, judged, worstMs: worst }),
  );
}

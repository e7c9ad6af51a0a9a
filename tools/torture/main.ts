// Real server processes on real files under concurrent clients, while they are killed, stopped and
// cut off as a seed says. Afterwards the group must serve, all replicas must be equal, and the
// history of every key linearizable. The last line is JSON.
// Exit codes: 127 crash or contract, 128 liveness, 129 safety.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoNamespaces } from '../lib/hosts.ts';
import { History } from './history.ts';
import { lineOf } from './increments.ts';
import { type FailureKind, TortureFailed } from './judge.ts';
import { ProcessGroup } from './process-group.ts';
import { drawSchedule, performSchedule } from './schedule.ts';
import { clockFromNow, defaultOptions, randomOf, torture, type TortureReport } from './torture.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    seconds: { ...text, default: '30' },
    seed: { ...text, default: '1' },
    replicas: { ...text, default: '3' },
    build: { ...text, default: 'production' },
    port: { ...text, default: '27800' },
    lease: text,
    'snapshot-every-slots': { ...text, default: '50' },
    'no-cuts': { type: 'boolean', default: false },
    'retries-as-new': { type: 'boolean', default: false },
  },
});
const seconds = integer('seconds', values.seconds, 1);
const seed = integer('seed', values.seed, 0);
const replicas = integer('replicas', values.replicas, 1);
const snapshotEverySlots = integer('snapshot-every-slots', values['snapshot-every-slots'], 1);
const firstPort = integer('port', values.port, 1_024);
const build = values.build === 'development' ? 'development' : 'production';
if (build !== values.build) refuse(`--build: production or development, not ${values.build}`);

const exitCodes: Readonly<Record<FailureKind, number>> = {
  contract: 127,
  liveness: 128,
  safety: 129,
};

const noCuts = values['no-cuts'] ? 'asked for' : whyNoNamespaces();
if (noCuts !== undefined) console.log(`without cutting off: ${noCuts}`);
console.log(`seed ${seed}: ${replicas} replicas, ${seconds} s, ${build} build`);

const directory = mkdtempSync(join(tmpdir(), 'rsl-torture-'));
const withNetworks = noCuts === undefined;
const { lease } = values;
const group = new ProcessGroup({
  replicas,
  directory,
  firstPort,
  build,
  withNetworks,
  snapshotEverySlots,
  ...(lease === undefined ? {} : { lease }),
});
const faults = drawSchedule(randomOf(seed, 'schedule'), {
  replicas,
  milliseconds: seconds * 1_000,
});
const history = new History();
const startMs = performance.now();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void group.close().then(() => process.exit(130)));
}

try {
  const retriesAsNew = values['retries-as-new'];
  const report = await torture(group, { ...defaultOptions, seed, retriesAsNew }, history, () =>
    performSchedule(faults, group, clockFromNow()),
  );
  await group.close();
  console.log(lineOf(report.increments));
  summarize('ok', report);
  rmSync(directory, { recursive: true, force: true });
} catch (error) {
  await group.close();
  const kind = error instanceof TortureFailed ? error.kind : 'contract';
  console.error(`seed ${seed}: ${kind}: ${error instanceof TortureFailed ? error.message : ''}`);
  if (!(error instanceof TortureFailed)) console.error(error);
  writeFileSync(join(directory, 'history.json'), JSON.stringify(history.operations));
  console.error(`data, logs and history are kept in ${directory}`);
  const leased = lease === undefined ? '' : ` --lease ${lease}`;
  const anew = values['retries-as-new'] ? ' --retries-as-new' : '';
  console.error(`again: npm run torture -- --seed ${seed} --seconds ${seconds}${leased}${anew}`);
  summarize(kind, { directory });
  process.exitCode = exitCodes[kind];
}

function summarize(
  verdict: FailureKind | 'ok',
  rest: TortureReport | { readonly directory: string },
): void {
  const took = Math.round((performance.now() - startMs) / 1_000);
  const { acknowledged, operations } = history;
  console.log(
    JSON.stringify({
      seed,
      verdict,
      replicas,
      seconds: took,
      ...rest,
      acknowledged,
      judged: operations.length,
      faults: group.performed,
      snapshots: group.snapshots,
      commands: history.countsByCommand(),
    }),
  );
}

function integer(name: string, given: string, min: number): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= min) return value;
  return refuse(`--${name}: an integer from ${min}, not ${given}`);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

// Many groups in one process, three replicas of each: what they cost while they have nothing to do,
// and what they are worth together. Prints a line of JSON; fails above the bars.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type IdleReport, measureIdle } from './idle.ts';
import { type LoadedReport, measureLoaded } from './loaded.ts';
import { openPlace } from './ports.ts';

const cpuPercentMax = 5;
/** Of a group, which is three replicas here. */
const residentBytesMax = 3 * 128 * 1024;
const wakeMsMax = 100;
const ratioMin = 0.8;

/** What waits in a hundred groups outlives a small nursery, and is copied again and again. */
const nursery = '--max-semi-space-size=64';

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    loaded: { type: 'string', default: '100' },
    place: { type: 'string', default: 'shared' },
    /** One of the two, in this process, which sends it to its parent. */
    part: { type: 'string' },
  },
});
if (values.place !== 'memory' && values.place !== 'shared') {
  console.error('usage: npm run groups -- [--place memory|shared] [--groups N] [--seconds N]');
  process.exit(2);
}
const { place } = values;

if (values.part === undefined) await judge();
else await told(await measured(values.part));
process.exit();

async function judge(): Promise<void> {
  const idle = await apart<IdleReport>('idle', []);
  const loaded = await apart<LoadedReport>('loaded', [nursery]);
  const bars = { cpuPercentMax, residentBytesMax, wakeMsMax, ratioMin };
  console.log(JSON.stringify({ place, idle, loaded, bars }));
  const isFine =
    idle.cpuPercent < cpuPercentMax &&
    idle.residentBytes <= residentBytesMax &&
    idle.wakeMs.p50 <= wakeMsMax &&
    loaded.ratio >= ratioMin;
  process.exitCode = isFine ? 0 : 1;
}

/** In a process of its own: what a thousand groups leave behind in a heap slows down a hundred. */
async function apart<Report>(part: string, flags: readonly string[]): Promise<Report> {
  const args = [...process.argv.slice(2), '--part', part];
  const execArgv = [...process.execArgv, ...flags];
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv });
  child.once('exit', (code) => {
    if (code !== 0) process.exit(1);
  });
  const [report] = (await once(child, 'message')) as [Report];
  return report;
}

function told(report: IdleReport | LoadedReport): Promise<void> {
  return new Promise((resolve) => process.send?.(report, () => resolve()));
}

async function measured(part: string): Promise<IdleReport | LoadedReport> {
  const opened = await openPlace(place as 'memory' | 'shared');
  const report =
    part === 'idle'
      ? await measureIdle(opened, Number(values.groups), Number(values.seconds))
      : await measureLoaded(opened, Number(values.loaded));
  await opened.close();
  return report;
}

// Many groups in one process, three replicas of each: what they cost while they have nothing to do,
// and what they are worth together. Prints a line of JSON; fails above the bars.
import { parseArgs } from 'node:util';
import { measureIdle } from './idle.ts';
import { measureLoaded } from './loaded.ts';
import { openPlace, type PlaceName } from './ports.ts';

const cpuPercentMax = 5;
/** Of a group, which is three replicas here. */
const residentBytesMax = 3 * 128 * 1024;
const wakeMsMax = 100;
const ratioMin = 0.8;

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    loaded: { type: 'string', default: '100' },
    place: { type: 'string', default: 'shared' },
  },
});

if (values.place !== 'memory' && values.place !== 'shared') {
  console.error('usage: npm run groups -- [--place memory|shared] [--groups N] [--seconds N]');
  process.exit(2);
}
const place = await openPlace(values.place satisfies PlaceName);
const idle = await measureIdle(place, Number(values.groups), Number(values.seconds));
const loaded = await measureLoaded(place, Number(values.loaded));
await place.close();
const bars = { cpuPercentMax, residentBytesMax, wakeMsMax, ratioMin };
console.log(JSON.stringify({ place: values.place, idle, loaded, bars }));
const isFine =
  idle.cpuPercent < cpuPercentMax &&
  idle.residentBytes <= residentBytesMax &&
  idle.wakeMs.p50 <= wakeMsMax &&
  loaded.ratio >= ratioMin;
process.exit(isFine ? 0 : 1);

import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Case } from './seed.ts';

export type BuildName = 'source' | 'production' | 'development';

export interface Arguments {
  readonly seeds: number;
  readonly first: number;
  readonly jobs: number;
  /** Goes on with fresh seeds until so much time is over. */
  readonly minutes: number | undefined;
  /** Where fresh seeds begin. */
  readonly fresh: number;
  readonly seed: number | undefined;
  readonly with: Omit<Case, 'seed'>;
  readonly trace: boolean;
  readonly shrink: boolean;
  readonly ledger: boolean;
  readonly build: BuildName;
}

const usage = `usage: npm run simulate -- [options]
  --seeds N --first S   seeds S to S + N − 1; 100 from 1
  --minutes M           these, and then fresh ones until M minutes are over
  --fresh S             where fresh seeds begin; drawn and printed unless given
  --seed S              this one only
  --with JSON           what is not left to the seed: see docs/simulation.md
  --trace               prints every frame, execution and fault; with --seed
  --shrink              looks for a smaller case that fails the same way; with --seed
  --ledger              adds a row to docs/testing.md
  --jobs N              processes; as many as there are cores
  --build NAME          source (the default), production or development`;

export function parsedArguments(): Arguments {
  const { values } = parse();
  const { seed, minutes, build } = values;
  if (build !== 'source' && build !== 'production' && build !== 'development') {
    return refuse('--build: source, production or development');
  }
  if ((values.trace || values.shrink) && seed === undefined) {
    return refuse('--trace and --shrink need --seed');
  }
  return {
    seeds: integer('seeds', values.seeds, 1),
    first: integer('first', values.first, 0),
    jobs: integer('jobs', values.jobs, 1),
    minutes: minutes === undefined ? undefined : positive('minutes', minutes),
    fresh:
      values.fresh === undefined ? randomInt(2 ** 20, 2 ** 32) : integer('fresh', values.fresh, 0),
    seed: seed === undefined ? undefined : integer('seed', seed, 0),
    with: given(values.with),
    trace: values.trace,
    shrink: values.shrink,
    ledger: values.ledger,
    build,
  };
}

function parse(): ReturnType<typeof parseOptions> {
  try {
    return parseOptions();
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const parseOptions = () =>
  parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      minutes: { type: 'string' },
      fresh: { type: 'string' },
      seed: { type: 'string' },
      with: { type: 'string', default: '{}' },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      ledger: { type: 'boolean', default: false },
      build: { type: 'string', default: 'source' },
    },
  });

function given(json: string): Omit<Case, 'seed'> {
  try {
    return JSON.parse(json) as Omit<Case, 'seed'>;
  } catch {
    return refuse(`--with: JSON, not ${json}`);
  }
}

function integer(name: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  return refuse(`--${name}: an integer from ${min}, not ${text}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : refuse(`--${name}: not ${text}`);
}

function refuse(why: string): never {
  console.error(`${why}\n${usage}`);
  process.exit(2);
}

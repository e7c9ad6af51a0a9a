/** Does a mutant die, of what, and with contracts as well as without? */
import { fixedSeeds } from './copy.ts';
import type { Lane } from './lane.ts';
import type { Mutant } from './mutant.ts';
import type { Build, Failure } from './questions.ts';

/** Of a test in a file, or of a contract that spoke in it first. */
export interface Death {
  readonly file: string;
  readonly test: string;
  readonly contract: string | undefined;
}

/** As much of a lane as is asked here. */
export type Asked = Pick<Lane, 'ask' | 'with'>;

export type Outcome = 'killed' | 'survived' | 'timed out' | 'does not apply';

export interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  readonly why: string | undefined;
  readonly contracts: Death | undefined;
  readonly plain: Death | undefined;
  /** Whether a fixed range of seeds would have found it; undefined where they do not reach. */
  readonly seeds: 'found' | 'not found' | 'no answer' | undefined;
  readonly seconds: number;
}

export async function verdictOf(mutant: Mutant, lane: Asked): Promise<Verdict> {
  const startedMs = performance.now();
  const told = (outcome: Outcome, deaths: Partial<Verdict> = {}): Verdict => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const none = { why: undefined, contracts: undefined, plain: undefined, seeds: undefined };
    return { mutant, outcome, seconds, ...none, ...deaths };
  };
  try {
    return await lane.with(mutant, async () => {
      const contracts = await deathOf(mutant, lane, 'contracts');
      const plain = await deathOf(mutant, lane, 'plain');
      const seeds = await foundBySeeds(mutant, lane);
      const deaths = { contracts: asDeath(contracts), plain: asDeath(plain), seeds };
      const wrong = [contracts, plain].filter((each) => typeof each === 'string');
      return told(wrong[0] ?? 'killed', deaths);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return told('does not apply', { why });
  }
}

const asDeath = (death: Death | Outcome): Death | undefined =>
  typeof death === 'string' ? undefined : death;

async function deathOf(
  { killers }: Mutant,
  lane: Asked,
  build: Build,
): Promise<Death | 'survived' | 'timed out'> {
  let alive: 'survived' | 'timed out' = 'survived';
  for (const file of killers) {
    const answer = await lane.ask(file, build);
    if (answer === undefined || isTimeOut(answer.failure)) alive = 'timed out';
    else if (answer.failure !== undefined) return deathIn(file, answer.failure);
  }
  return alive;
}

/** What the simulator runs, apart from the network and the disk, which it has its own of. */
export const isSimulated = ({ file }: Mutant): boolean =>
  /^packages\/core\/src\/(paxos|host|codec)\//.test(file);

async function foundBySeeds(mutant: Mutant, lane: Asked): Promise<Verdict['seeds']> {
  if (!isSimulated(mutant)) return undefined;
  const answer = await lane.ask(fixedSeeds, 'plain', seedsMsMax);
  if (answer === undefined) return 'no answer';
  return answer.failure === undefined ? 'not found' : 'found';
}

const seedsMsMax = 4_000;

/** What does not compile is no mutant: anything would find it. */
function deathIn(file: string, { test, message, contract }: Failure): Death {
  if (test === undefined) throw new Error(`with it ${file} does not load: ${message}`);
  return { file, test, contract };
}

/** Whoever waited in vain has not said what is wrong: that is no kill. */
const isTimeOut = (failure: Failure | undefined): boolean =>
  failure !== undefined && / timed out in \d+ ?ms/.test(failure.message);

/** Killers that fail, or take too long, without any mutant: they prove nothing. */
export async function brokenKillers(
  files: readonly string[],
  lane: Asked,
): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const file of files) {
    for (const build of ['contracts', 'plain'] as const) {
      const answer = await lane.ask(file, build);
      if (answer === undefined) broken.push(`${file}, ${build}: no answer in time`);
      else if (answer.failure !== undefined) {
        broken.push(
          `${file}, ${build}: ${answer.failure.test ?? 'the file'}: ${answer.failure.message}`,
        );
      } else if (answer.passed === 0) broken.push(`${file}, ${build}: it has no test`);
    }
  }
  return broken;
}

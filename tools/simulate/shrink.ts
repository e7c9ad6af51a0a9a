import { type Case, type Outcome, whatFailed } from './seed.ts';

/** A seed decides too much to stay the same in a smaller world: so many others are tried. */
const seedsTried = 12;

/**
 * Looks for a smaller case that fails the same way: fewer kinds of faults, less of each, fewer
 * replicas and clients, a shorter run. Says what it has found whenever it has.
 */
export async function shrunken(
  failed: Outcome,
  run: (one: Case) => Promise<Outcome>,
  tell: (found: Outcome) => void,
): Promise<Outcome> {
  const what = failed.failure === undefined ? '' : whatFailed(failed.failure);
  let best = failed;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of candidatesOf(best)) {
      const found = await firstThatFails(candidate, what, run);
      if (found === undefined) continue;
      best = found;
      smaller = true;
      tell(best);
      break;
    }
  }
  return best;
}

async function firstThatFails(
  candidate: Case,
  what: string,
  run: (one: Case) => Promise<Outcome>,
): Promise<Outcome | undefined> {
  const seeds = Array.from({ length: seedsTried }, (_, i) => candidate.seed + i * 1_000_003);
  const outcomes = await Promise.all(seeds.map((seed) => run({ ...candidate, seed })));
  const failing = outcomes.filter(({ failure }) => failure && whatFailed(failure) === what);
  return failing.toSorted((a, b) => (a.failure?.step ?? 0) - (b.failure?.step ?? 0))[0];
}

/** One thing less each. */
function* candidatesOf({ case: one, drawn, failure }: Outcome): Generator<Case> {
  const { replicas, faults, machine, beyond } = drawn;
  const { clients = 4, durationMs } = one;
  const endMs = Math.ceil(failure?.atMs ?? 0);
  const base: Case = { ...one, replicas, faults, machine, beyond, clients };
  const kinds = Object.entries(faults).filter(([, level]) => level > 0);
  for (const [kind] of kinds) yield { ...base, faults: { ...faults, [kind]: 0 } };
  if (replicas > 3) yield { ...base, replicas: 3 };
  if (clients > 1) yield { ...base, clients: clients - 1 };
  if (endMs < (durationMs ?? Infinity) / 2) yield { ...base, durationMs: endMs };
  if (machine !== 'digest') yield { ...base, machine: 'digest' };
  for (const [kind, level] of kinds) {
    if (level > 1) yield { ...base, faults: { ...faults, [kind]: level - 1 } };
  }
}

/** As a golden script; one of a key-value machine is played with digests there. */
export function saved({ case: one, failure }: Outcome): string {
  const message = (failure?.message ?? '').split('\n')[0];
  return `# Seed ${one.seed}: ${message}\nsimulate ${JSON.stringify(one)}\n`;
}

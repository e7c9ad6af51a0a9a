import { outcomeOf } from './simulate/seed.ts';
const [from, to] = process.argv.slice(2).map(Number) as [number, number];
let ok = 0;
const fails = new Map<string, number[]>();
for (let seed = from; seed <= to; seed++) {
  const t = performance.now();
  const o = await outcomeOf({ seed, ...(process.env.APART ? { isApart: true } : {}) });
  if (o.failure) {
    const k = o.failure.message
      .split('\n')
      .slice(0, process.env.FULL ? 30 : 3)
      .join(' | ')
      .slice(0, process.env.FULL ? 4000 : 300);
    const g = k.replace(/\d+/g, '#').slice(0, 120);
    if (!fails.has(g)) console.log(seed, o.failure.kind, k);
    fails.set(g, [...(fails.get(g) ?? []), seed]);
  } else ok++;
  if (process.env.V)
    console.log(
      seed,
      o.failure ? 'FAIL' : 'ok',
      Math.round(performance.now() - t),
      'ms',
      Math.round((o.report?.simulatedMs ?? 0) / 1000),
    );
}
console.log(ok, 'ok');
for (const [g, s] of fails) console.log(s.length, g, s.slice(0, 12).join(' '));
process.exit(0);

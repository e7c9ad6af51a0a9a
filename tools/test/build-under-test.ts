/**
 * Which build the tests run against, from RSL_BUILD. `source` (the default) needs no build:
 * package names resolve to sources, contracts are on. `development` and `production` make
 * package names resolve to what is published; relative imports stay sources, with contracts
 * on or off to match.
 */
const name = process.env['RSL_BUILD'] ?? 'source';

const customConditions = { source: ['@rsl/source'], development: ['development'], production: [] };

function isBuild(text: string): text is keyof typeof customConditions {
  return Object.hasOwn(customConditions, text);
}
if (!isBuild(name)) throw new Error(`RSL_BUILD is source, development or production, not ${name}`);

// Vite adds the condition `development` by itself, unless NODE_ENV says production.
if (name === 'production') process.env['NODE_ENV'] = 'production';

export const build = {
  name,
  contracts: name !== 'production',
  conditions: [...customConditions[name], 'module', 'node'],
  execArgv: ['--import', new URL('../build/run-sources.mjs', import.meta.url).href],
};

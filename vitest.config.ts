import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { withoutContracts } from './tools/coverage/without-contracts.ts';
import { build } from './tools/test/build-under-test.ts';

/** One project for each place where tests live, so that `--project core` runs only those. */
const places = {
  contracts: 'packages/contracts',
  core: 'packages/core',
  'log-file': 'packages/log-file',
  snapshot: 'packages/snapshot',
  'transport-tcp': 'packages/transport-tcp',
  server: 'apps/server',
};

/** Only who asks for reports of the contracts pays for them. */
const contractReports =
  process.env['RSL_CONTRACT_REPORTS'] === undefined
    ? []
    : [fileURLToPath(new URL('./tools/test/hear-contracts.ts', import.meta.url))];

/** For counting what tests reach: contracts are taken out of the protocol's sources. */
const takeContractsOut = {
  name: 'without-contracts',
  enforce: 'pre' as const,
  transform(text: string, path: string): string | undefined {
    if (!/packages\/core\/src\/paxos\/[^/]+\.ts$/.test(path)) return undefined;
    return path.endsWith('.test.ts') ? undefined : withoutContracts(path, text);
  },
};

export default defineConfig({
  plugins: process.env['RSL_WITHOUT_CONTRACTS'] === undefined ? [] : [takeContractsOut],
  define: { CONTRACTS: String(build.contracts) },
  resolve: { conditions: build.conditions },
  ssr: { resolve: { conditions: build.conditions, externalConditions: build.conditions } },
  test: {
    pool: 'forks',
    // Many tests wait for time to pass: one core at a time, the default for two, is half idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // What a test starts itself (worker threads) gets the same build and can load `.ts`.
    execArgv: build.execArgv,
    setupFiles: contractReports,
    projects: [
      ...Object.entries(places).map(([name, root]) => ({
        extends: true as const,
        test: { name, root, include: ['src/**/*.test.ts', 'test/**/*.test.ts'] },
      })),
      { extends: true as const, test: { name: 'tools', root: 'tools', include: ['**/*.test.ts'] } },
    ],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
});

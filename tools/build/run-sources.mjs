// Runs TypeScript as it stands, on this thread and on every worker thread that it starts:
// `node --conditions=@rsl/source --import ./tools/build/run-sources.mjs some-file.ts`
// (The loader's own `--import tsx` does not reach worker threads.)
import { register } from 'tsx/esm/api';

// Contracts are on where the packages' are: with sources and with the development build.
globalThis.CONTRACTS = !import.meta.resolve('@rsl/core').includes('/dist/production/');

register();

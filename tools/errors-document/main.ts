// Writes docs/errors.md anew. Run it after every change of packages/core/src/errors.ts:
//   node --conditions=@rsl/source --import ./tools/build/run-sources.mjs \
//     tools/errors-document/main.ts
import { writeFileSync } from 'node:fs';
import { errorsDocument } from '../../packages/core/test/errors-document.ts';

const file = new URL('../../docs/errors.md', import.meta.url);
writeFileSync(file, errorsDocument());
console.log('docs/errors.md is written');

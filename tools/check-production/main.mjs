// After a build: production has no trace of a contract, development has them. The second half
// shows that the first can fail.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const trace = /\b(requires|ensures|invariant)\d*\(|\bclass ContractViolation\b|\bCONTRACTS\b/;

const wrong = [];
let checked = 0;
for (const folder of ['packages', 'apps'].flatMap(packagesIn)) {
  const { name, private: isPrivate } = JSON.parse(text(join(folder, 'package.json')));
  if (isPrivate) continue;

  const production = scriptsBelow(join(folder, 'dist/production'));
  const development = scriptsBelow(join(folder, 'dist/development'));
  if (production.length === 0 || development.length === 0) wrong.push(`${name} is not built`);

  for (const file of production) {
    const found = trace.exec(text(file));
    if (found !== null) wrong.push(`${file} contains ${found[0]}`);
  }
  const hasContracts = scriptsBelow(join(folder, 'src')).some(
    (file) => !file.endsWith('.test.ts') && text(file).includes("from '@rsl/contracts'"),
  );
  if (hasContracts && !development.some((file) => trace.test(text(file)))) {
    wrong.push(`${name} uses contracts, but its development build has none`);
  }
  checked += production.length;
}
for (const line of wrong) console.error(line);
console.log(`${checked} production files checked, ${wrong.length} faults`);
process.exitCode = wrong.length === 0 && checked > 0 ? 0 : 1;

function packagesIn(folder) {
  return readdirSync(join(root, folder))
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(root, path, 'package.json')));
}

function scriptsBelow(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.(js|ts)$/.test(file) && !file.endsWith('.d.ts'))
    .map((file) => join(folder, file));
}

function text(file) {
  return readFileSync(join(root, file), 'utf8');
}

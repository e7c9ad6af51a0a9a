// After a build: production has no trace of a contract, development has them all, to the sentence.
// The second half shows that the first can fail.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const trace = /\b(requires|ensures|invariant)\d*\(|\bclass ContractViolation\b|\bCONTRACTS\b/;

/** `'2a-3 a vote raises …'`: an id, then its sentence. */
const sentence = /(['"])((?:[a-z0-9]+(?:-[a-z]+)*-[1-9]\d*|I[1-9]\d*) [^'"\n]+)\1/g;

const wrong = [];
let checked = 0;
let contracts = 0;
for (const folder of ['packages', 'apps'].flatMap(packagesIn)) {
  const { name, private: isPrivate } = JSON.parse(text(join(folder, 'package.json')));
  if (isPrivate) continue;

  const production = scriptsBelow(join(folder, 'dist/production'));
  const development = scriptsBelow(join(folder, 'dist/development'));
  if (production.length === 0 || development.length === 0) wrong.push(`${name} is not built`);

  const sources = scriptsBelow(join(folder, 'src'))
    .filter((file) => !file.endsWith('.test.ts'))
    .map(text)
    .filter((source) => source.includes("from '@rsl/contracts'"));
  const sentences = sources.flatMap((source) => [...source.matchAll(sentence)].map(([, , s]) => s));
  for (const file of production) {
    const found = trace.exec(text(file));
    if (found !== null) wrong.push(`${file} contains ${found[0]}`);
    for (const left of containedIn(file, sentences)) wrong.push(`${file} contains “${left}”`);
  }
  if (sources.length > 0 && !development.some((file) => trace.test(text(file)))) {
    wrong.push(`${name} uses contracts, but its development build has none`);
  }
  const developed = new Set(development.flatMap((file) => containedIn(file, sentences)));
  for (const lost of sentences.filter((each) => !developed.has(each))) {
    wrong.push(`${name} has lost “${lost}” in its development build`);
  }
  contracts += sentences.length;
  checked += production.length;
}
for (const line of wrong) console.error(line);
console.log(`${checked} production files, ${contracts} contracts, ${wrong.length} faults`);
process.exitCode = wrong.length === 0 && checked > 0 && contracts > 0 ? 0 : 1;

/** Those that a built file contains, also where the build has escaped a letter. */
function containedIn(file, sentences) {
  const built = text(file).replace(/\\u([0-9a-fA-F]{4})/g, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return sentences.filter((each) => built.includes(each));
}

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

/** The sources once more, in a folder of their own: what is broken there is broken for nobody. */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Mutant, mutated } from './mutant.ts';

const sources = ['packages', 'apps', 'tools', 'docs', 'package.json', 'tsconfig.base.json'];
const notCopied = new Set(['dist', 'coverage', '.turbo', 'mutants']);

/** A test file that only copies have. */
export const fixedSeeds = 'packages/core/test/fixed-seeds.test.ts';

export class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), 'rsl-mutants-'));

  constructor(root: string) {
    // Links between packages are relative, so they lead to the copy; what is installed is shared.
    const filter = (from: string): boolean => !notCopied.has(basename(from));
    for (const source of sources) {
      const options = { recursive: true, verbatimSymlinks: true, filter };
      cpSync(join(root, source), join(this.folder, source), options);
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    copyFileSync(join(import.meta.dirname, 'fixed-seeds.ts'), join(this.folder, fixedSeeds));
    this.#recordContracts();
  }

  /** Gives the way back. */
  apply(mutant: Mutant): () => void {
    const file = join(this.folder, mutant.file);
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, mutated(source, mutant));
    return () => writeFileSync(file, source);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A host ends quietly when a contract speaks: the copy remembers which was the first to. */
  #recordContracts(): void {
    this.apply({
      name: 'which contract was the first to speak',
      rule: '',
      file: 'packages/contracts/src/index.ts',
      find: 'this.contract = contract;',
      replace: 'this.contract = contract; (globalThis as any).rslBroken ??= contract;',
      killers: [],
    });
  }
}

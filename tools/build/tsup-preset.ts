import { copyFileSync, mkdirSync } from 'node:fs';
import type { Options } from 'tsup';

export type PackageBuild = {
  /** Entry point name (its path below dist/production) to source file. */
  readonly entry: Readonly<Record<string, string>>;
  /** Dependencies that go into the bundle; their licences go beside it. */
  readonly bundle?: readonly string[];
  readonly dts?: boolean;
};

/** Two builds of one package: production without contracts, development with them. */
export function buildsOf(wanted: PackageBuild): Options[] {
  return [build('production', wanted), build('development', wanted)];
}

function build(name: 'development' | 'production', wanted: PackageBuild): Options {
  const bundle = wanted.bundle ?? [];
  const withTypes = name === 'production' && wanted.dts !== false;
  return {
    entry: { ...wanted.entry },
    outDir: `dist/${name}`,
    format: ['esm'],
    platform: 'node',
    target: 'node20',
    // A second pass: esbuild inlines the empty contracts only after it has dropped unused code.
    treeshake: name === 'production',
    clean: true,
    silent: true,
    // TypeScript 6 warns of the baseUrl that tsup sets.
    dts: withTypes ? { compilerOptions: { ignoreDeprecations: '6.0' } } : false,
    // Contracts vanish only when inlined as source; a call of an import stays.
    noExternal: [
      '@rsl/contracts',
      '@rsl/directory-lock',
      ...bundle.map((dependency) => new RegExp(`^${dependency}(/|$)`)),
    ],
    define: { CONTRACTS: String(name === 'development') },
    esbuildOptions(options) {
      options.minifySyntax = name === 'production';
      options.legalComments = 'inline';
    },
    async onSuccess() {
      for (const dependency of bundle) {
        mkdirSync('dist/licenses', { recursive: true });
        copyFileSync(`node_modules/${dependency}/LICENSE`, `dist/licenses/${dependency}.txt`);
      }
    },
  };
}

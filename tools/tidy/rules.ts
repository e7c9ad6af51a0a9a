/** What `tidy` demands of the source. The lists of exceptions may only shrink. */
export const limits = { lineCharactersMax: 100, functionLinesMax: 60, fileLinesMax: 400 };

/** `file function` to its number of lines, which must be exact: then it can only go down. */
export const longFunctions: Readonly<Record<string, number>> = {};

/** File to its number of lines, which must be exact. */
export const longFiles: Readonly<Record<string, number>> = {};

/** Which packages a package may import, from outside or from here. Tests may import more. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  'packages/contracts': [],
  'packages/directory-lock': ['@rsl/core'],
  'packages/core': ['@rsl/contracts', 'msgpackr'],
  'packages/log-file': ['@rsl/contracts', '@rsl/core', '@rsl/directory-lock'],
  'packages/snapshot': ['@rsl/contracts', '@rsl/core', '@rsl/directory-lock'],
  'packages/transport-tcp': ['@rsl/contracts', '@rsl/core'],
  'apps/server': [
    '@rsl/contracts',
    '@rsl/core',
    '@rsl/log-file',
    '@rsl/snapshot',
    '@rsl/transport-tcp',
    'commander',
    'pino',
  ],
};

/** For tests only, also inside the package that has them. */
export const testKits = ['@rsl/core/conformance', '@rsl/core/testing'];

/** All below them, and all that it imports, is pure: time and chance are arguments. */
export const pureFolders = ['packages/core/src/paxos/', 'packages/snapshot/src/layer/'];

/** What is pure may import of other packages: contracts, words and errors. */
export const pureImports = ['@rsl/contracts', '@rsl/core', '@rsl/core/protocol'];

export const impureNames: readonly string[] = [
  'Date',
  'process',
  'performance',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];

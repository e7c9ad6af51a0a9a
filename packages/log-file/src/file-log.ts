import type { LogStore, Port } from '@rsl/core/protocol';
import { FileLogStore } from './file-log-store.ts';
import { completeOptions, type FileLogOptions } from './options.ts';

/** What `remoteFileLog` takes: survives structured cloning. */
export interface FileLogArguments {
  readonly directory: string;
  readonly options: FileLogOptions;
}

/** A log in segment files in `directory`, which is made if it is not there. */
export function fileLog(directory: string, options: FileLogOptions = {}): Port<LogStore> {
  const complete = completeOptions(directory, options);
  const file = import.meta.url.endsWith('.ts') ? './index.ts' : './index.js';
  return {
    open: (context) => FileLogStore.open(directory, complete, context),
    remote: {
      module: new URL(file, import.meta.url).href,
      name: 'remoteFileLog',
      options: { directory, options: { ...options } } satisfies FileLogArguments,
    },
  };
}

/** The same again on another thread; see `Port.remote`. */
export const remoteFileLog = ({ directory, options }: FileLogArguments): Port<LogStore> =>
  fileLog(directory, options);

/** One log for many groups: opened by the first of them, closed by the last. */
import { InvalidOptionError } from '@rsl/core';
import type { LogStore, Port, PortContext } from '@rsl/core/protocol';
import type { Substitutes } from '../file-log-store.ts';
import { type CompleteOptions, completeOptions, type FileLogOptions } from '../options.ts';
import { GroupLog } from './group-log.ts';
import { SharedMedium } from './shared-medium.ts';

/** One more than a log of one group: copying forward must always have one to copy to. */
const segmentsMin = 4;

/** The log of many groups of one process, in one directory. */
export interface SharedFileLog {
  /**
   * What a replica takes as its `log`: opening it opens the directory if no other replica has, and
   * closing the last one closes that. `RSL_STORAGE_LOCKED` for a group that is open already.
   */
  group(): Port<LogStore>;
}

/** One opening of the directory, and how many logs hold it. */
interface Hold {
  readonly opening: Promise<SharedMedium>;
  opened: SharedMedium | undefined;
  users: number;
}

/**
 * A log in segment files in `directory` for any number of groups, up to 4,096 in its life: one
 * lock, one writer, and one sync for whatever all of them have appended meanwhile. Each group has
 * every guarantee of a log of its own; a medium that fails, fails for all.
 */
export function sharedFileLog(directory: string, options: FileLogOptions = {}): SharedFileLog {
  return openable(directory, completeShared(directory, options));
}

export function completeShared(directory: string, options: FileLogOptions): CompleteOptions {
  const complete = completeOptions(directory, options);
  const bytesMin = segmentsMin * complete.segmentBytes;
  if (complete.storeBytesMax < bytesMin) {
    const wanted = `at least ${segmentsMin} segments, ${bytesMin} bytes, are needed`;
    throw new InvalidOptionError('storeBytesMax', `${wanted}, not ${complete.storeBytesMax}`);
  }
  return complete;
}

/** `substitutes` is for tests. */
export function openable(
  directory: string,
  options: CompleteOptions,
  substitutes: Substitutes = {},
): SharedFileLog {
  let hold: Hold | undefined;
  /** Whoever comes while the last one leaves waits for that. */
  let closed: Promise<void> = Promise.resolve();

  function take(context: PortContext): Hold {
    if (hold === undefined) {
      const open = () => SharedMedium.open(directory, options, context, substitutes);
      const fresh: Hold = { opening: closed.then(open), opened: undefined, users: 0 };
      fresh.opening.then(
        (medium) => {
          fresh.opened = medium;
        },
        // It fails for all who wait for it, and the next one tries again.
        () => leave(fresh),
      );
      hold = fresh;
    }
    hold.users += 1;
    return hold;
  }

  function leave(held: Hold): void {
    if (hold === held) hold = undefined;
  }

  async function release(held: Hold): Promise<void> {
    held.users -= 1;
    if (held.users > 0 || held.opened === undefined) return;
    leave(held);
    const closing = held.opened.close();
    closed = closing.catch(() => undefined);
    await closing;
  }

  async function open(context: PortContext): Promise<LogStore> {
    const held = take(context);
    try {
      const medium = await held.opening;
      const parts = { medium, context, release: () => release(held) };
      return new GroupLog({ ...parts, ...(await medium.take(context)) });
    } catch (error) {
      await release(held);
      throw error;
    }
  }
  return { group: () => ({ open }) };
}

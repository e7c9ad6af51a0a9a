import type { Happening } from './words.ts';

/** So many wait before they are made fewer. */
export const happeningsMax = 256;

/**
 * What happens on the engine's thread, for an application that may not listen for long. One message
 * at a time is on its way; what comes meanwhile waits. When there is too much of it, lines of the
 * log are left out, of each peer only the newest is kept, and of leaderships only what came since
 * the last one ended.
 */
export class Happenings {
  readonly #send: (happenings: readonly Happening[]) => void;
  #waiting: Happening[] = [];
  #isUnheard = false;
  /** Lines of the log that were left out. */
  leftOut = 0;

  constructor(send: (happenings: readonly Happening[]) => void) {
    this.#send = send;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(happening: Happening): void {
    if (this.#waiting.length >= happeningsMax) {
      if (happening.kind === 'log') {
        this.leftOut += 1;
        return;
      }
      const before = this.#waiting.filter(({ kind }) => kind === 'log').length;
      this.leftOut += before;
      this.#waiting = shortened(this.#waiting);
    }
    this.#waiting.push(happening);
  }

  /** Sends what waits, unless the last message was not heard yet. */
  flush(): void {
    if (this.#isUnheard || this.#waiting.length === 0) return;
    this.#isUnheard = true;
    const happenings = this.#waiting;
    this.#waiting = [];
    this.#send(happenings);
  }

  /** Sends what waits, heard or not: nothing more happens. */
  end(): void {
    this.#isUnheard = false;
    this.flush();
  }

  heard(): void {
    this.#isUnheard = false;
    this.flush();
  }
}

/** Ends where all of them do: the same leader, the same peers, the same configuration. */
export function shortened(all: readonly Happening[]): Happening[] {
  const ended = all.findLastIndex(({ kind }) => kind === 'ended');
  const newestOfPeer = new Map(
    all.flatMap((happening, at) => (happening.kind === 'peer' ? [[happening.what.id, at]] : [])),
  );
  return all.filter((happening, at) => {
    switch (happening.kind) {
      case 'log':
        return false;
      case 'peer':
        return newestOfPeer.get(happening.what.id) === at;
      case 'configuration':
        return true;
      default:
        return at >= ended;
    }
  });
}

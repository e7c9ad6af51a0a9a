import { inFile, type Mutant } from '../mutant.ts';

const layer = 'packages/snapshot/src/layer';
const tests = 'packages/snapshot/test/layer';
const stories = `${tests}/far-behind.test.ts`;
const fetching = `${tests}/fetching.property.test.ts`;
const around = `${tests}/snapshot-layer.test.ts`;
const wishes = `${tests}/wish.test.ts`;
const windows = `${tests}/chunk-window.test.ts`;

/** Installing is one turn for the protocol (R8). */
const installing: readonly Mutant[] = inFile(
  `${layer}/snapshot-layer.ts`,
  [around],
  [
    {
      name: 'the protocol hears messages while a snapshot is installed',
      rule: 'R8',
      find: "case 'message':\n      case 'layer-message':",
      replace: "case 'layer-message':",
    },
    {
      name: 'the protocol has ticks while a snapshot is installed',
      rule: 'R8',
      find: "case 'tick':\n        // Messages",
      replace: '// Messages',
    },
    {
      name: 'what was kept is heard before the snapshot',
      rule: 'R8',
      find: 'this.#bytes.forget(slot + 1);',
      replace: 'this.#giveKept(nowMs);',
    },
    {
      name: 'what was kept during an install is forgotten',
      rule: 'R8',
      find: `for (const input of this.#kept.take()) this.#give(input, nowMs);`,
      replace: 'this.#kept.take();',
    },
    {
      name: 'after an install that failed nothing that was kept is heard',
      rule: 'R8',
      find: 'if (wasInstalling && !this.#fetcher.isInstalling) this.#giveKept(nowMs);',
      replace: '',
    },
    {
      name: 'proposals are kept while a snapshot is installed',
      rule: 'R8',
      find: "case 'propose': {",
      replace: "case 'stand': {\n        if (input.kind !== ('propose' as string)) return;",
    },
    {
      name: 'a leader has room while a snapshot is installed',
      rule: 'R8',
      find: 'return this.#fetcher.isInstalling ? { ...view, room: 0 } : view;',
      replace: 'return view;',
    },
    {
      name: 'the host hears that a replica is behind',
      rule: 'R8',
      killers: [stories],
      find: "isBehind ? effects.filter(({ kind }) => kind !== 'behind') : effects",
      replace: 'effects',
    },
    {
      name: 'a group falls asleep over a fetch',
      rule: 'L6',
      find: 'this.#inner.isIdle && this.#fetcher.isIdle && this.#server.isIdle',
      replace: 'this.#inner.isIdle && this.#server.isIdle',
    },
  ],
);

/** How much of the log can go. */
const cutting: readonly Mutant[] = inFile(
  `${layer}/truncation.ts`,
  [`${tests}/truncation.test.ts`],
  [
    {
      name: 'the log is cut above the newest durable snapshot',
      rule: 'P11',
      find: 'Math.min(Math.max(wanted, floor, 0), newest + 1, executedThrough + 1)',
      replace: 'executedThrough + 1',
    },
    {
      name: 'what was not executed here is cut',
      rule: 'P11',
      find: 'newest + 1, executedThrough + 1)',
      replace: 'newest + 1)',
    },
    {
      name: 'the log behind a snapshot that a peer copies is cut',
      rule: 'L6',
      find: ', ...pinned.map((slot) => slot + 1)',
      replace: '',
    },
    {
      name: 'what pins the log pins it for ever',
      rule: 'S5',
      find: 'Math.max(wanted, floor, 0)',
      replace: 'Math.max(wanted, 0)',
    },
    {
      name: 'the log behind a spare snapshot is cut',
      rule: 'S6',
      find: 'Math.min(retained, spare + 1,',
      replace: 'Math.min(retained,',
    },
  ],
);

/** A copy goes on where it stopped, from whoever has it. */
const copying: readonly Mutant[] = [
  ...inFile(
    `${layer}/fetcher.ts`,
    [stories, fetching],
    [
      {
        name: 'a late answer of the store is taken for the next copy',
        rule: 'L6',
        killers: [around],
        find: 'if (answer.ticket !== state.copy.ticket) return;',
        replace: '',
      },
      {
        name: 'a snapshot is installed that the log has overtaken',
        rule: 'P7',
        killers: [stories],
        find: 'if (this.#wish.isOver) return this.#leave(nowMs, out);',
        replace: '',
      },
      {
        name: 'a copy is never given up',
        rule: 'L6',
        find: 'if (!copy.isForsaken(forMs, nowMs)) return false;',
        replace: 'return false;',
      },
      {
        name: 'whoever was cut off gives its copy up',
        rule: 'L6',
        killers: [stories],
        find: 'if (!wasAlone) return;',
        replace: 'if (nowMs >= 0) return;',
      },
      {
        name: 'a copy is given up at once',
        rule: 'L6',
        find: 'copy.isForsaken(forMs, nowMs)',
        replace: 'copy.isForsaken(0, nowMs)',
      },
      {
        name: 'one that is gone before any of it has come is waited for',
        rule: 'L6',
        find: 'const forMs = copy.isEmpty ? 0 : this.#options.giveUpMs;',
        replace: 'const forMs = this.#options.giveUpMs;',
      },
      {
        name: 'a copy that is no good is repeated at once, for ever',
        rule: 'L6',
        killers: [stories],
        find: 'const waitMs = this.#failures === 1 ? 0 :',
        replace: 'const waitMs = this.#failures > 0 ? 0 :',
      },
      {
        name: 'whoever gave what is no good is asked again first',
        rule: 'L6',
        killers: [stories],
        find: 'for (const peer of givers) this.#sources.failed(peer, 4);',
        replace: '',
      },
      {
        name: 'what could not be installed is tried again as it is',
        rule: 'S6',
        killers: [around],
        find: ' && own.digest !== this.#refused',
        replace: '',
      },
      {
        name: 'a full medium loses what is there of a copy',
        rule: 'S5',
        killers: [stories],
        find: 'this.#wish.begun(copy.meta, nowMs);\n      return this.#ask(this',
        replace: 'this.#wish.forget();\n      return this.#ask(this',
      },
      {
        name: 'nobody is told that a copy is over',
        rule: 'L6',
        killers: [stories],
        find: `for (const peer of copy.asked) out.say(peer, { kind: 'done', digest: meta.digest });
    this.#giver`,
        replace: 'this.#giver',
      },
    ],
  ),
  ...inFile(
    `${layer}/wish.ts`,
    [stories, wishes],
    [
      {
        name: 'a newer snapshot takes the place of the one that was begun',
        rule: 'L6',
        find: 'if (same !== undefined) return same;',
        replace: '',
      },
      {
        name: 'the one that was begun is not waited for',
        rule: 'L6',
        find: 'if (nowMs - sinceMs < this.#parts.giveUpMs) return undefined;',
        replace: '',
      },
      {
        name: 'the one that was begun is waited for for ever',
        rule: 'L6',
        find: 'if (nowMs - sinceMs < this.#parts.giveUpMs) return undefined;',
        replace: 'return undefined;',
      },
      {
        name: 'what a copy left before the start is not gone on with',
        rule: 'L6',
        find: 'this.#begun ??= { name, sinceMs: undefined };',
        replace: '',
      },
      {
        name: 'a snapshot is fetched that does not cover what is needed',
        rule: 'R8',
        find: 'slot < this.goal.need',
        replace: 'slot < 0',
      },
    ],
  ),
  ...inFile(
    `${layer}/copy.ts`,
    [stories, fetching],
    [
      {
        name: 'a source that says nothing is waited for',
        rule: 'L6',
        find: 'if (isWaiting && this.#isStalled(nowMs)) {',
        replace: 'if (isWaiting && nowMs < 0) {',
      },
      {
        name: 'a source that is gone is waited for',
        rule: 'L6',
        killers: [`${tests}/copy.test.ts`],
        find: 'if (from !== this.#source) return;',
        replace: 'if (from === this.#source) return;',
      },
      {
        name: 'another source is not asked for what the last one did not give',
        rule: 'L6',
        find: 'isNew ? window.askAnew(nowMs) : window',
        replace: 'window',
      },
      {
        name: 'chunks are taken from whoever was not asked',
        rule: 'S6',
        killers: [`${tests}/copy.test.ts`],
        find: '|| !this.asked.has(from)',
        replace: '',
      },
    ],
  ),
  ...inFile(
    `${layer}/chunk-window.ts`,
    [windows, fetching],
    [
      {
        name: 'more is asked for than the window holds',
        rule: 'S5',
        find: 'this.openBytes + bytes > this.#windowBytes',
        replace: 'this.openBytes > this.#windowBytes',
      },
      {
        name: 'what is on its way over a slow link is asked for again',
        rule: 'L6',
        find: 'turn < this.#cameTurn && nowMs',
        replace: 'nowMs',
      },
      {
        name: 'a lost chunk is not asked for again',
        rule: 'L6',
        find: 'turn < this.#cameTurn && nowMs - atMs >= forMs',
        replace: 'turn < 0 && nowMs - atMs >= forMs',
      },
      {
        name: 'the rest of a chunk is forgotten',
        rule: 'L6',
        find: 'if (rest > 0)',
        replace: 'if (rest < 0)',
      },
    ],
  ),
  ...inFile(
    `${layer}/sources.ts`,
    [wishes],
    [
      {
        name: 'the leader is asked like any other',
        rule: 'L3',
        find: '(leads ? leaderHandicap : 0)',
        replace: '0',
      },
      {
        name: 'a source that failed is asked again first',
        rule: 'L6',
        find: 'this.#failures.set(id, (this.#failures.get(id) ?? 0) + times);',
        replace: '',
      },
    ],
  ),
];

export const snapshotLayerMutants: readonly Mutant[] = [...installing, ...cutting, ...copying];

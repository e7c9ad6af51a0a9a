import { inFile, type Mutant } from '../mutant.ts';

const deliveries = 'packages/core/src/host/deliveries.ts';
const execution = 'packages/core/src/host/execution.test.ts';
const proposals = 'packages/core/src/host/proposals.test.ts';
const regressions = 'packages/core/test/regressions.test.ts';
const groupCommits = 'packages/core/test/host/group-commit.test.ts';
const performed = 'packages/core/test/host/effects.test.ts';
const frames = 'packages/core/test/host/inbound.test.ts';
const stories = 'packages/core/test/host/mutant-stories.test.ts';
const pumped = 'packages/core/test/host/commands.test.ts';

const groupCommit = inFile(
  'packages/core/src/host/group-commit.ts',
  [groupCommits],
  [
    {
      name: 'what an append reveals leaves before it is durable',
      rule: 'P2',
      find: 'this.#log.append(records, (error) => {',
      replace: `for (const send of then.splice(0)) this.#reveal(send);
    this.#log.append(records, (error) => {`,
    },
    {
      name: 'what a failed append would reveal leaves',
      rule: 'P2, S4',
      find: 'if (error !== undefined) return this.#fail(error);',
      replace: 'if (error !== undefined) this.#fail(error);',
    },
    {
      name: 'a barrier without records does not wait',
      rule: 'P2',
      find: `for (const send of then) this.#push(send);
    this.#dirty = true;`,
      replace: `if (records.length === 0) for (const send of then) this.#reveal(send);
    else for (const send of then) this.#push(send);
    this.#dirty = true;`,
    },
    {
      name: 'the older watermark of a turn stays, the newer one goes',
      rule: 'P6',
      find: 'if (earlier >= 0) this.#then.splice(earlier, 1);',
      replace: 'if (earlier >= 0) return;',
    },
    {
      name: 'what waits for a write does not wait',
      rule: 'P2, R1',
      find: 'this.#waiting.push(run);',
      replace: 'run();',
    },
  ],
);

const effects = inFile(
  'packages/core/src/host/effects.ts',
  [performed],
  [
    {
      name: 'the log is read for others before what was released is durable',
      rule: 'R1, P8',
      find: 'return this.#whenDurable(() => this.#parts.serving.serve(effect));',
      replace: 'return this.#parts.serving.serve(effect);',
    },
    {
      name: 'truncate before decided-through is durable',
      rule: 'P11',
      find: 'return this.#whenDurable(() => log.truncate(effect.before));',
      replace: 'return log.truncate(effect.before);',
    },
  ],
);

const executions = inFile(
  'packages/core/src/host/execution.ts',
  [execution, stories],
  [
    {
      name: 'a batch of a lower ballot after one of a higher ballot executes',
      rule: 'P9',
      find: 'if (compareBallots(reader.ballot, this.sealedIn) < 0) {',
      replace: 'if (compareBallots(reader.ballot, this.sealedIn) < -Infinity) {',
    },
    {
      name: 'the second batch of a ballot is void',
      rule: 'P9',
      find: 'if (compareBallots(reader.ballot, this.sealedIn) < 0) {',
      replace: 'if (compareBallots(reader.ballot, this.sealedIn) <= 0) {',
    },
    {
      name: 'group time goes back',
      rule: 'P10',
      find: 'this.timeMs = Math.max(this.timeMs, reader.stampMs);',
      replace: 'this.timeMs = reader.stampMs;',
    },
    {
      name: 'what the state reflects already executes again',
      rule: 'P7, P9',
      find: 'const isReflected = slot <= this.#reflected;',
      replace: 'const isReflected = slot < 0;',
      killers: [regressions],
    },
    {
      name: 'results go to callers of another start',
      rule: 'P9',
      file: deliveries,
      find: 's.origin === this.#self && s.epoch === epoch;',
      replace: 's.origin === this.#self;',
    },
    {
      name: 'results go to callers of another replica',
      rule: 'P9',
      file: deliveries,
      find: 's.origin === this.#self && s.epoch === epoch;',
      replace: 's.epoch === epoch;',
    },
    {
      name: 'a state machine that gives too few results is believed',
      rule: 'P7',
      find: 'if (pushed !== plan.count) {',
      replace: 'if (pushed < 0) {',
      killers: [stories],
    },
  ],
);

const commands = inFile(
  'packages/core/src/host/proposals.ts',
  [proposals, stories],
  [
    {
      name: 'what was sent in a higher ballot is sent again too',
      rule: 'P9',
      find: 'const stale = this.#runs.filter((run) => compareBallots(run.ballot, ballot) < 0);',
      replace: 'const stale = this.#runs;',
    },
    {
      name: 'what has its result is sent again',
      rule: 'P9',
      find: 'if (this.#ring.states[at] !== sent) return;',
      replace: 'if (this.#ring.states[at] === queued) return;',
    },
    {
      name: 'a command that has left is said not to be executed',
      rule: 'P9',
      find: 'late(state !== queued, cause)',
      replace: 'late(false, cause)',
    },
    {
      name: 'an aborted command that has left is said not to be executed',
      rule: 'P9',
      find: `state === queued
        ? new AbortedError(`,
      replace: `state !== done
        ? new AbortedError(`,
      killers: [stories],
    },
  ],
);

const pump = inFile(
  'packages/core/src/host/commands.ts',
  [pumped],
  [
    {
      name: 'commands are sent again as soon as another leads',
      rule: 'P9',
      find: 'proposals.requeueBelow(execution.sealedIn);',
      replace: 'proposals.requeueBelow(leader?.ballot ?? execution.sealedIn);',
    },
    {
      name: 'a new leader proposes nothing by itself',
      rule: 'P9, L6',
      find: 'const isFirst = !sameBallot(ballot, this.#openedIn);',
      replace: 'const isFirst = false;',
    },
  ],
);

const intake = inFile(
  'packages/core/src/host/forwarding.ts',
  ['packages/core/src/host/forwarding.test.ts', stories],
  [
    {
      name: 'a forwarded frame that comes twice is taken twice',
      rule: 'P9',
      find: 'if (number !== source.received + 1) return;',
      replace: '',
    },
    {
      name: 'a forwarded frame is taken over a gap',
      rule: 'P9',
      find: 'if (number !== source.received + 1) return;',
      replace: 'if (number <= source.received) return;',
    },
    {
      name: 'what was forwarded to another ballot is taken',
      rule: 'P9',
      find: 'if (this.#ballot === undefined || !sameBallot(ballot, this.#ballot)) return;',
      replace: 'if (this.#ballot === undefined) return;',
    },
    {
      name: 'commands in another’s name are taken',
      rule: 'P9',
      find: 'header.origin === from && ',
      replace: '',
    },
    {
      name: 'what an earlier ballot took in is proposed in a later one',
      rule: 'P9',
      find: `this.#sources.clear();
    this.#segments = [];
    this.#bytes = 0;`,
      replace: 'this.#sources.clear();',
    },
    {
      name: 'an acknowledgement of another start counts',
      rule: 'P9',
      find: ' || epoch !== this.#proposals.epoch) return;',
      replace: ') return;',
    },
    {
      name: 'many segments in a frame are one too large',
      rule: 'L6',
      find: 'if (headers.some(({ bytes }) => bytes > bytesMax)) return;',
      replace: 'if (segments.length > bytesMax) return;',
    },
    {
      name: 'a segment that fits no frame is taken',
      rule: 'bounds',
      find: 'if (headers.some(({ bytes }) => bytes > bytesMax)) return;',
      replace: '',
    },
    {
      name: 'forwarded commands are taken without a bound',
      rule: 'L6',
      find: 'if (this.#bytes + segments.length > this.#limits.forwardedBytesMax) return;',
      replace: '',
    },
  ],
);

const inbound = inFile(
  'packages/core/src/host/inbound.ts',
  [frames],
  [
    {
      name: 'votes of a store that is no member count',
      rule: 'P5, S2',
      find: "if (!named) return { to: 'nobody', why: 'framesOfNoMember' };",
      replace: '',
    },
    {
      name: 'votes of another set of members count',
      rule: 'R1, S10',
      find: ' && frame.fingerprint === envelope.fingerprint;',
      replace: ';',
    },
    {
      name: 'frames of another group count',
      rule: 'S10',
      find: 'if (frame.group !== envelope.group) return',
      replace: "if (frame.group === '') return",
    },
    {
      name: 'anybody proposes in anybody’s ballot',
      rule: 'P1',
      find: 'return message.ballot.proposer !== from;',
      replace: 'return false;',
    },
  ],
);

export const hostMutants: readonly Mutant[] = [
  ...groupCommit,
  ...effects,
  ...executions,
  ...commands,
  ...pump,
  ...intake,
  ...inbound,
];

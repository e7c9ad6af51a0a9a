import { inFile, type Mutant } from '../mutant.ts';

const messages = 'packages/core/src/codec/message-codec.test.ts';
const guards = 'packages/core/test/host/frame-guards.test.ts';
const batches = 'packages/core/test/properties/batch.test.ts';

const checksums = inFile(
  'packages/core/src/codec/checksum.ts',
  [guards, messages],
  [
    {
      name: 'the checksum of a value is not checked',
      rule: 'P12',
      find: 'if (crc32(bytes) !== checksum) throw',
      replace: 'if (checksum < 0) throw',
    },
    {
      name: 'a value of no known kind is taken',
      rule: 'P12',
      find: 'if (first !== batchByte && first !== stopByte && first !== noOpByte) {',
      replace: 'if (first === undefined) {',
    },
  ],
);

const fields = inFile(
  'packages/core/src/codec/message-codec.ts',
  [messages],
  [
    {
      name: 'slots of a 1b in no order are taken',
      rule: 'P4, P12',
      find: 'if (slot <= last) throw',
      replace: 'if (slot < 0) throw',
    },
    {
      name: 'a 1b that leaves out what it has told of is taken',
      rule: 'P4, P12',
      find: 'nextSlot <= last || reported.length === 0',
      replace: 'reported.length === 0',
    },
    {
      name: 'a 1b that tells nothing, and has a rest, is taken',
      rule: 'P4, P12',
      find: 'nextSlot <= last || reported.length === 0',
      replace: 'nextSlot <= last',
    },
  ],
);

const frames = inFile(
  'packages/core/src/codec/frame.ts',
  [guards, messages],
  [
    {
      name: 'the checksum of a head is not checked',
      rule: 'P12',
      find: 'if (checksumOf(bytes.subarray(0, headBytes)) !== checksum) throw',
      replace: 'if (headBytes < 0) throw',
    },
    {
      name: 'a frame of another version is read',
      rule: 'P12',
      find: 'if (bytes[1] !== frameVersion) throw',
      replace: 'if (bytes[1] === 0) throw',
    },
    {
      name: 'a frame may be longer than it says',
      rule: 'P12',
      find: 'if (header.u32() !== bytes.length) throw',
      replace: 'if (header.u32() > bytes.length) throw',
    },
    {
      name: 'a value is a view of the frame',
      rule: 'P12',
      find: 'const bytes = copied(this.#bytes, this.#at, this.#at + length);',
      replace: 'const bytes = this.#bytes.subarray(this.#at, this.#at + length);',
    },
    {
      name: 'bytes behind the last value are passed over',
      rule: 'P12',
      find: 'if (this.#at !== this.#bytes.length) throw',
      replace: 'if (this.#at > this.#bytes.length) throw',
    },
  ],
);

const segments = inFile(
  'packages/core/src/codec/batch.ts',
  [batches],
  [
    {
      file: 'packages/core/src/codec/segment.ts',
      name: 'commands of a segment overlap',
      rule: 'P12',
      find: 'if (end < before || end > room) throw',
      replace: 'if (end > room) throw',
    },
    {
      file: 'packages/core/src/codec/segment.ts',
      name: 'a segment has bytes of no command',
      rule: 'P12',
      find: 'if (before !== room) throw',
      replace: 'if (before > room) throw',
    },
    {
      name: 'a batch need not add up',
      rule: 'P12',
      find: 'if (i !== count || at !== bytes.length) throw',
      replace: 'if (at > bytes.length) throw',
    },
  ],
);

export const codecMutants: readonly Mutant[] = [...checksums, ...fields, ...frames, ...segments];

import { inFile, type Mutant } from '../mutant.ts';

const layer = 'packages/snapshot/src/layer';
const tests = 'packages/snapshot/test/layer';
const server = `${tests}/server.test.ts`;

/** What peers can make a replica do. */
export const snapshotServerMutants: readonly Mutant[] = [
  ...inFile(
    `${layer}/server.ts`,
    [server],
    [
      {
        name: 'a peer can ask for any number of chunks at a time',
        rule: 'S5',
        find: 'isKnown || open.length >= this.#options.asksPerPeerMax',
        replace: 'isKnown',
      },
      {
        name: 'a peer can ask for any number of bytes at a time',
        rule: 'S5',
        find: 'Math.min(bytesMax, chunkBytesMax, meta.bytes - offset)',
        replace: 'Math.min(bytesMax, meta.bytes - offset)',
      },
      {
        name: 'any number of chunks is read at a time',
        rule: 'S5',
        find: 'while (this.#reading.size < this.#options.readsMax) {',
        replace: 'for (;;) {',
      },
      {
        name: 'the bandwidth has no limit',
        rule: 'S5',
        find: 'ask === undefined || !this.#allowance.take(ask.bytesMax, nowMs)',
        replace: 'ask === undefined',
      },
      {
        name: 'what a peer reads is not offered to it any more',
        rule: 'L6',
        find: 'return [...others, ...this.#listed]',
        replace: 'return [...this.#listed]',
      },
      {
        name: 'what cannot be read is gone for nobody',
        rule: 'L6',
        find: "for (const each of peers) out.say(each, { kind: 'gone', digest });",
        replace: '',
      },
      {
        name: 'what nobody reads stays open',
        rule: 'S5',
        find: "=== digest);\n      out.order({ kind: 'release', digest });",
        replace: '=== digest);',
      },
    ],
  ),
  ...inFile(
    `${layer}/pins.ts`,
    [server],
    [
      {
        name: 'whoever asks for the same again and again pins it for ever',
        rule: 'S5',
        find: '} else if (through > reader.through) {',
        replace: '} else {',
      },
      {
        name: 'any number of snapshots stays for peers',
        rule: 'S5',
        find: 'if (idle === undefined) return undefined;',
        replace: 'if (idle === undefined) return { meta, readers: new Map(), isOpen: true };',
      },
      {
        name: 'the log goes as soon as a peer has its snapshot',
        rule: 'L6',
        find: 'reader.untilMs = nowMs + this.#pinMs;\n  }\n\n  /** Nobody can',
        replace: 'reader.untilMs = nowMs;\n  }\n\n  /** Nobody can',
      },
      {
        name: 'a peer pins any number of snapshots',
        rule: 'S5',
        find: 'if (other !== pin) other.readers.delete(peer);',
        replace: 'if (other === undefined) return false;',
      },
    ],
  ),
  ...inFile(
    `${layer}/snapshot-codec.ts`,
    [`${tests}/snapshot-codec.test.ts`],
    [
      {
        name: 'a list of snapshots of any length is read',
        rule: 'S5',
        find: 'if (count > listedMax) throw',
        replace: 'if (count > 255) throw',
      },
      {
        name: 'a snapshot with the membership of a later slot is believed',
        rule: 'R8',
        find: 'if (membership.firstSlot > slot + 1) {',
        replace: 'if (membership.firstSlot < 0) {',
      },
      {
        name: 'a chunk of any length is read',
        rule: 'S5',
        find: 'bytes.length === 0 || bytes.length > chunkBytesMax',
        replace: 'bytes.length === 0',
      },
      {
        name: 'chunks travel with votes',
        rule: 'L1',
        find: "=== 'chunk' ? 'bulk' : 'votes'",
        replace: "=== 'have' ? 'bulk' : 'votes'",
      },
    ],
  ),
];

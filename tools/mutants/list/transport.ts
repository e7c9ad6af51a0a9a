import { inFile, type Mutant } from '../mutant.ts';

const strangers = 'packages/transport-tcp/test/strangers.test.ts';
const handshake = 'packages/transport-tcp/test/handshake.test.ts';
const links = 'packages/transport-tcp/test/links.test.ts';

export const transportMutants: readonly Mutant[] = [
  ...inFile(
    'packages/transport-tcp/src/handshake.ts',
    [handshake],
    [
      {
        name: 'the checksum of a greeting is not checked',
        rule: 'S8',
        find: "demand(crc32(bytes.subarray(0, crcAt)) === bytes.readUInt32LE(crcAt), 'checksum');",
        replace: '',
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/introduction.ts',
    [strangers],
    [
      {
        name: 'a hello for another replica is welcome',
        rule: 'S2',
        find: 'if (hello.from === 0 || (hello.asked !== 0 && hello.asked !== local.id)) return',
        replace: 'if (hello.from === 0) return',
        killers: [strangers, links],
      },
      {
        name: 'a hello of another version is welcome',
        rule: 'S8',
        find: 'hello.versionMin > versionSpoken || hello.versionMax < versionSpoken',
        replace: 'hello.versionMin < 0',
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/link.ts',
    [strangers, links],
    [
      {
        name: 'a bulk lane of another store joins a link',
        rule: 'S2',
        find: 'return store === this.peer.store && instance === this.#instance;',
        replace: 'return instance === this.#instance;',
      },
      {
        name: 'a bulk lane of another start joins a link',
        rule: 'S2a',
        find: 'return store === this.peer.store && instance === this.#instance;',
        replace: 'return store === this.peer.store;',
      },
    ],
  ),
];

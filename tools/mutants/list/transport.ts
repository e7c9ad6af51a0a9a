import { inFile, type Mutant } from '../mutant.ts';

const strangers = 'packages/transport-tcp/test/strangers.test.ts';
const handshake = 'packages/transport-tcp/test/handshake.test.ts';
const links = 'packages/transport-tcp/test/links.test.ts';
const clientKit = 'packages/transport-tcp/test/client-conformance.test.ts';
const clientHandshake = 'packages/transport-tcp/test/client-handshake.test.ts';
const clients = 'packages/transport-tcp/test/clients.test.ts';
const clientTime = 'packages/transport-tcp/test/client-time.test.ts';
const memoryClients = 'packages/core/test/client-network.test.ts';

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
  ...inFile(
    'packages/transport-tcp/src/connection.ts',
    [clientTime],
    [
      {
        name: 'a side that is paused takes the other for dead',
        rule: 'bounds',
        find: 'if (this.#paused) {',
        replace: 'if (this.#paused && this.#over) {',
      },
      {
        name: 'a side that is paused gives no sign of life',
        rule: 'bounds',
        find: 'if (this.#liveness.isQuiet(nowMs)) this.#pinged',
        replace: 'if (this.#over) this.#pinged',
      },
      {
        name: 'a drain without room for what was refused',
        rule: 'bounds',
        find: 'if (queuedBytes + this.#owedBytes > sendQueueBytesMax) return;',
        replace: '',
        killers: [clients],
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/client-handshake.ts',
    [clientHandshake],
    [
      {
        name: 'the checksum of a client’s hello is not checked',
        rule: 'S8',
        find: 'if (crc32(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) {',
        replace: 'if (bytes.length < crcAt) {',
      },
      {
        name: 'a client’s hello of another version is welcome',
        rule: 'S8',
        find: 'if (bytes[4] !== version || bytes.readUIntLE(5, 3) !== 0) {',
        replace: 'if (bytes.readUIntLE(5, 3) !== 0) {',
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/client-connection.ts',
    [clients, clientKit],
    [
      {
        name: 'what the other side takes does not bound our frames',
        rule: 'bounds',
        find: 'Math.min(frameBytesMax, this.#frameBytesMax)',
        replace: 'this.#frameBytesMax',
      },
      {
        name: 'a frame is of any length',
        rule: 'bounds',
        find: 'if (bytes === 0 || bytes > this.#frameBytesMax) {',
        replace: 'if (bytes === 0) {',
      },
      {
        name: 'whoever throws from a frame keeps the connection',
        rule: 'P9',
        find: 'this.fail(why);',
        replace: '',
        killers: [clientKit],
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/tcp-client-listener.ts',
    [clients],
    [
      {
        name: 'connections of clients without a bound',
        rule: 'bounds',
        find: 'this.around.sockets.size >= this.#connectionsMax',
        replace: 'this.around.sockets.size < 0',
      },
      {
        name: 'clients are taken in before serve',
        rule: 'S2',
        find: 'this.#accept === undefined || ',
        replace: '',
        killers: [clientKit],
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/tcp-client-connector.ts',
    [clientTime],
    [
      {
        name: 'a dial that nobody answers waits for ever',
        rule: 'bounds',
        find: 'if (time.nowMs < deadlineMs) continue;',
        replace: 'if (deadlineMs > 0) continue;',
      },
      {
        name: 'a connector ticks for ever',
        rule: 'bounds',
        find: 'if (sockets.size > 0) return;',
        replace: 'if (sockets.size >= 0) return;',
      },
    ],
  ),
  ...inFile(
    'packages/core/src/testing/memory-client-connection.ts',
    [memoryClients],
    [
      {
        name: 'in memory a fast frame overtakes a slow one',
        rule: 'P9',
        find: 'if (item?.arrived !== true) return undefined;',
        replace:
          'const first = this.#sent.findIndex(({ arrived }) => arrived);\n' +
          '    if (item === undefined || first < 0) return undefined;\n' +
          '    if (first > 0) this.#sent.unshift(...this.#sent.splice(first, 1));\n' +
          '    if (first > 0) return this.#sent[0];',
      },
      {
        name: 'in memory what is on its way survives a break',
        rule: 'P9',
        find: 'if (this.#over) return;',
        replace: '',
      },
      {
        name: 'in memory pause holds nothing up',
        rule: 'bounds',
        find: 'other.#paused && !other.#over ? undefined : item',
        replace: 'other.#paused && other.#over ? undefined : item',
      },
      {
        name: 'in memory a drain without room for what was refused',
        rule: 'bounds',
        find: 'if (this.#queuedBytes + this.#owedBytes > sendQueueBytesMax) return;',
        replace: '',
      },
    ],
  ),
];

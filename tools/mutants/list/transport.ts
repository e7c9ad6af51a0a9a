import { inFile, type Mutant } from '../mutant.ts';

const strangers = 'packages/transport-tcp/test/strangers.test.ts';
const handshake = 'packages/transport-tcp/test/handshake.test.ts';
const links = 'packages/transport-tcp/test/links.test.ts';
const flood = 'packages/transport-tcp/test/flood.test.ts';
const groups = 'packages/transport-tcp/test/groups.test.ts';
const runtime = 'packages/core/test/runtime.test.ts';
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
        name: 'a join for another replica is accepted',
        rule: 'S2',
        find: 'if (join.id === 0 || (join.asked !== 0 && join.asked !== local.id)) return',
        replace: 'if (join.id === 0) return',
        killers: [strangers, groups],
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
    'packages/transport-tcp/src/neighbour.ts',
    [strangers, links],
    [
      {
        name: 'a bulk lane of another link joins a link',
        rule: 'S2a',
        find: ' && link.number === hello.link',
        replace: '',
      },
      {
        name: 'two that dial each other drop both links',
        rule: 'L6',
        find: 'this.around.process() < this.process',
        replace: 'this.around.process() !== this.process',
        killers: [links],
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/link.ts',
    [strangers],
    [
      {
        name: 'a number of a channel comes again',
        rule: 'bounds',
        find: ' || number <= this.#theirHighest) {',
        replace: ') {',
      },
      {
        name: 'a link has two replicas of a group',
        rule: 'S2',
        find: 'before !== undefined && before.peer?.id !== peer.id',
        replace: 'before?.peer?.id === 0',
      },
      {
        name: 'a bad frame of one group ends the link of all',
        rule: 'bounds',
        find: 'if (!(error instanceof FrameError)) throw error;',
        replace: 'if (!(error instanceof FrameError) || this.isUp) throw error;',
      },
      {
        name: 'answers to joins have no bound',
        rule: 'bounds',
        find: 'if (this.votes.controlBytes > controlBytesMax) {',
        replace: 'if (this.votes.controlBytes < 0) {',
        killers: [flood],
      },
      {
        name: 'a link that nobody uses stays for ever',
        rule: 'bounds',
        find: 'isIdle && nowMs - this.#idleSinceMs >= handshakeTimeoutMs',
        replace: 'isIdle && nowMs < this.#idleSinceMs',
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/peer.ts',
    [links, groups],
    [
      {
        name: 'a twin on another link takes the place of a live peer',
        rule: 'S2',
        find: 'else if (channel.link !== offer.link) this.#wait(offer);',
        replace: 'else if (channel.link !== offer.link && this.#closed) this.#wait(offer);',
        killers: [strangers],
      },
      {
        name: 'whoever answers a join is the one that was asked for',
        rule: 'S2',
        find: 'peer.id !== this.id || peer.asked !== this.#host.local.id',
        replace: 'peer.id === 0',
        killers: [strangers],
      },
      {
        name: 'two that join each other take both joins back',
        rule: 'L6',
        find: 'this.#attempt !== undefined && this.#host.local.id > this.id',
        replace: 'this.#attempt !== undefined && this.#closed',
        killers: [groups],
      },
      {
        name: 'a join that is not opened holds its id for ever',
        rule: 'bounds',
        find: "channel.phase === 'accepted' && nowMs >= channel.deadlineMs",
        replace: "channel.phase === 'accepted' && nowMs < 0",
        killers: [strangers],
      },
    ],
  ),
  ...inFile(
    'packages/transport-tcp/src/outgoing.ts',
    [groups],
    [
      {
        name: 'one group’s flood goes before what others have to say',
        rule: 'bounds',
        find: 'this.#pieces.takeAbout(turnBytes)',
        replace: 'this.#pieces.takeAll()',
      },
      {
        name: 'one group’s queue has no bound',
        rule: 'bounds',
        find: ' && whole <= sendQueueBytesMax - this.queuedBytes',
        replace: '',
      },
      {
        name: 'a drain without room for what was refused',
        rule: 'bounds',
        find: 'if (queuedBytes + this.#owedBytes > sendQueueBytesMax) return false;',
        replace: '',
        killers: [clients],
      },
    ],
  ),
  ...inFile(
    'packages/core/src/runtime.ts',
    [runtime],
    [
      {
        name: 'a replica that closes closes what others share',
        rule: 'bounds',
        find: '        endpoint?.close();',
        replace: '        await shared.close();',
      },
      {
        name: 'a runtime that closes forgets replicas that are starting',
        rule: 'bounds',
        find: '    this.#replicas.add(starting);',
        replace: '',
      },
      {
        name: 'a replica has limits of its own for what is shared',
        rule: 'bounds',
        find: 'if (given === undefined || given === limits[name]) continue;',
        replace: 'if (given !== limits) continue;',
      },
      {
        name: 'a start that fails holds its group for ever',
        rule: 'bounds',
        find: '      this.#groups.delete(group);\n      this.#replicas.delete(starting);',
        replace: '      this.#replicas.delete(starting);',
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

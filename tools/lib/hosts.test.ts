import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { expect, test } from 'vitest';
import { type Host, NamespaceHosts, whyNoNamespaces } from './hosts.ts';

// Sends a datagram for each line it is given, and says what it gets.
const program = `
  const socket = require('node:dgram').createSocket('udp4');
  const lines = require('node:readline').createInterface(process.stdin);
  socket.on('message', (text) => console.log(String(text)));
  socket.bind(5000, () => console.log('bound'));
  lines.on('line', (line) => {
    const [text, address] = line.split(' ');
    socket.send(text, 5000, address, () => console.log('sent ' + text));
  });
`;

/** A process on a host that sends and gets single datagrams, which nobody sends again. */
class Correspondent {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor({ prefix }: Host) {
    const [command, ...args] = [...prefix, process.execPath, '-e', program];
    this.#process = spawn(command, args);
    const lines: Interface = createInterface(this.#process.stdout);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    return String((await this.#lines.next()).value);
  }

  async send(text: string, to: Host): Promise<void> {
    this.#process.stdin.write(`${text} ${to.address}\n`);
    expect(await this.next()).toBe(`sent ${text}`);
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}

test('what is dropped one way is gone, and what comes the other way arrives', async (context) => {
  context.skip(whyNoNamespaces() !== undefined, whyNoNamespaces());
  const namespaces = new NamespaceHosts(2);
  const [a, b] = namespaces.hosts as [Host, Host];
  const [left, right] = [new Correspondent(a), new Correspondent(b)];
  try {
    expect([await left.next(), await right.next()]).toEqual(['bound', 'bound']);
    await left.send('first', b);
    expect(await right.next()).toBe('first');

    namespaces.drop(0, 1);
    await left.send('dropped', b);
    await right.send('back', a);
    expect(await left.next()).toBe('back');

    namespaces.pass(0, 1);
    await left.send('second', b);
    expect(await right.next()).toBe('second');

    namespaces.cut(1);
    await left.send('cut', b);
    namespaces.join(1);
    await left.send('third', b);
    expect(await right.next()).toBe('third');
  } finally {
    left.end();
    right.end();
    namespaces.remove();
  }
}, 30_000);

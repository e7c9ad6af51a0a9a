/**
 * One process per directory (S7), without a native addon. Node cannot take a file lock, but a
 * listening unix socket is held by a living process and by nothing else: the kernel refuses
 * connections the moment the process is gone, also after kill -9, and goes on accepting them
 * (into the backlog) while the process is stopped or busy. So:
 *
 *   1. Listen on a socket with a random name in the directory.
 *   2. Look at the highest `lock.<n>`. If a connection to it is taken, it is locked. If it is
 *      refused, its owner is dead, and stays dead: nobody ever listens on that socket again.
 *   3. Link the socket to `lock.<n + 1>`. Linking fails if the name exists, so of several racers
 *      who saw the same dead owner one wins; the others go back to 2.
 *   4. Look again. An owner removes only names below its own, so if `lock.<n + 1>` was free because
 *      a later owner has removed it, that owner's higher name shows: give way.
 *
 * No process id is read, so none can be reused. Only "connection refused" counts as dead; anything
 * else that is unclear counts as locked. A socket's address holds 107 bytes: a longer path goes
 * through /proc/self/fd. It works across containers that share the directory, not across machines
 * that share a network file system, which is no place for a log.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StorageError } from '@rsl/core';

/** Sockets' addresses end here: 108 bytes on Linux, 104 on macOS, with a zero byte. */
const addressBytesMax = 103;
const claimsMax = 100;
const lockName = /^lock\.([1-9][0-9]{0,14})$/;
const draftName = /^lock\.[0-9a-f]{16}\.new$/;

export interface DirectoryLock {
  release(): Promise<void>;
}

export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const fd = fs.openSync(directory, fs.constants.O_RDONLY);
  try {
    return await claim(directory, fd);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

async function claim(directory: string, fd: number): Promise<DirectoryLock> {
  const draft = `lock.${randomBytes(8).toString('hex')}.new`;
  const server = await listen(directory, addressOf(directory, fd, draft));
  try {
    const mine = await claimNumber(directory, fd, draft);
    removeBelow(directory, mine);
    return { release: () => release(server, fd) };
  } catch (error) {
    await closed(server);
    throw error;
  } finally {
    fs.rmSync(path.join(directory, draft), { force: true });
  }
}

async function claimNumber(directory: string, fd: number, draft: string): Promise<number> {
  for (let claims = 0; claims < claimsMax; claims++) {
    const highest = highestLock(directory);
    if (highest > 0) await refuseIfAlive(directory, addressOf(directory, fd, `lock.${highest}`));
    const mine = highest + 1;
    if (!linked(path.join(directory, draft), path.join(directory, `lock.${mine}`))) continue;
    if (highestLock(directory) === mine) return mine;
    fs.rmSync(path.join(directory, `lock.${mine}`), { force: true });
  }
  throw new StorageError(
    'RSL_STORAGE_LOCKED',
    `${directory}: others keep taking and leaving the lock; find out who opens it again and again`,
  );
}

function highestLock(directory: string): number {
  const numbers = fs.readdirSync(directory).map((name) => Number(lockName.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** False if somebody else was quicker. */
function linked(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

/** Resolves if the owner is dead or its lock is gone; rejects if it lives. */
async function refuseIfAlive(directory: string, address: string): Promise<void> {
  const { who, cause } = await ownerAt(address);
  if (who === undefined) return;
  throw new StorageError(
    'RSL_STORAGE_LOCKED',
    `${directory} is used by ${who}; stop that process, or use another directory`,
    { cause },
  );
}

/** Who has the lock, in words; undefined if nobody has. Takes nothing and changes nothing. */
export async function holderOf(directory: string): Promise<string | undefined> {
  const highest = highestLock(directory);
  if (highest === 0) return undefined;
  const fd = fs.openSync(directory, fs.constants.O_RDONLY);
  try {
    return (await ownerAt(addressOf(directory, fd, `lock.${highest}`))).who;
  } finally {
    fs.closeSync(fd);
  }
}

interface LockOwner {
  /** Undefined if it is dead, or its lock is gone. */
  readonly who?: string;
  readonly cause?: unknown;
}

function ownerAt(address: string): Promise<LockOwner> {
  return new Promise((resolve) => {
    let said = '';
    const socket = net.connect(address);
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (bytes) => {
      if (said.length < 32) said += bytes.toString('latin1');
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      const isGone = cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT';
      resolve(isGone ? {} : { who: 'a process that cannot be asked', cause });
    });
    socket.on('close', (failed) => {
      if (!failed) resolve({ who: /^[0-9]+$/.test(said) ? `process ${said}` : 'another process' });
    });
  });
}

function listen(directory: string, address: string): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(String(process.pid), () => socket.destroy());
    });
    // The lock keeps the directory, not the process.
    server.unref();
    server.once('error', (cause) =>
      reject(
        new StorageError(
          'RSL_STORAGE_UNUSABLE',
          `${directory}: no socket can be made there to lock it (${cause.message}); use a local ` +
            'file system that the process may write to',
          { cause },
        ),
      ),
    );
    server.listen(address, () => {
      server.on('error', () => {});
      resolve(server);
    });
  });
}

function addressOf(directory: string, fd: number, name: string): string {
  const whole = path.join(directory, name);
  if (Buffer.byteLength(whole) <= addressBytesMax) return whole;
  return path.join(`/proc/self/fd/${fd}`, name);
}

function removeBelow(directory: string, mine: number): void {
  for (const name of fs.readdirSync(directory)) {
    const number = Number(lockName.exec(name)?.[1] ?? mine);
    if (number < mine || draftName.test(name))
      fs.rmSync(path.join(directory, name), { force: true });
  }
}

/** The name stays: the next owner takes the next number, and no number is ever used twice. */
async function release(server: net.Server, fd: number): Promise<void> {
  await closed(server);
  fs.closeSync(fd);
}

const closed = (server: net.Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));

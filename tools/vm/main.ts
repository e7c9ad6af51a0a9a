// `npm run power-loss`: three servers in a virtual machine lose their power under load, all at
// once; whatever they had acknowledged must be there. Then a control, in which every sync is a
// no-op: it must lose something, or the first part shows nothing. The last line is JSON.
// Exit codes: 127 crash or contract, 128 liveness, 129 safety, 2 not possible here.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    'skip-if-missing': { type: 'boolean', default: false },
  },
});
const rounds = integer('rounds', values.rounds, 1);
const seed = integer('seed', values.seed, 0);
const controlRoundsMax = 3;
const safety = 129;
const secondsPerRoundMax = 420;
const machinesMax = 3;
const processorSignals = new Map([
  [132, 'SIGILL'],
  [135, 'SIGBUS'],
  [139, 'SIGSEGV'],
]);

interface Ended {
  readonly code: number;
  readonly lastLine: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  modprobe: 'kmod',
  cpio: 'cpio',
  python3: 'python3',
  dmsetup: 'dmsetup',
  'mkfs.ext4': 'e2fsprogs',
  losetup: 'mount',
  ip: 'iproute2',
  gcc: 'gcc libc6-dev',
};

const missing = Object.entries(programs).filter(([program]) => !isThere(program));
if (missing.length > 0) {
  const what = missing.map(([program, name]) => `${program} (apt-get install ${name})`).join(', ');
  console.error(`no virtual machine without ${what}`);
  process.exit(values['skip-if-missing'] ? 0 : 2);
}

const folder = mkdtempSync(join(tmpdir(), 'rsl-power-loss-'));
const startMs = performance.now();
try {
  const library = join(folder, 'no-sync.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, join(here, 'no-sync.c'), '-ldl']);
  process.exitCode = await judge(library);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function judge(library: string): Promise<number> {
  const real = await inGuest(rounds, []);
  if (real.code !== 0) return real.code;
  console.log('control: every sync of the servers is a no-op');
  const control = await inGuest(controlRoundsMax, ['--no-sync', library]);
  if (control.code !== safety) {
    console.error(`the control lost nothing (exit code ${control.code}): this shows nothing`);
  }
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  const isProof = control.code === safety;
  const verdict = isProof ? 'ok' : 'contract';
  console.log(JSON.stringify({ ...parsed(real.lastLine), verdict, seconds, controlLost: isProof }));
  return isProof ? 0 : 127;
}

/**
 * Runs guest.ts in a machine of its own, and in another when the program that judges was itself
 * killed by the processor it ran on: software emulation now and then breaks compiled code. What
 * that program finds out has other codes, and is never tried again.
 */
async function inGuest(count: number, more: readonly string[]): Promise<Ended> {
  for (let machine = 1; ; machine += 1) {
    const ended = await inOneGuest(count, more);
    const signal = processorSignals.get(ended.code);
    if (signal === undefined || machine === machinesMax) return ended;
    console.log(`machine ${machine}: the judge in it was killed by ${signal}; another machine`);
  }
}

/** Its lines appear here as they come. */
function inOneGuest(count: number, more: readonly string[]): Promise<Ended> {
  const loader = join(here, '../build/run-sources.mjs');
  const guest = ['node', '--import', loader, join(here, 'guest.ts')];
  const args = ['--rounds', String(count), '--seed', String(seed), ...more];
  // The emulator writes to pipes of the shell; it refuses the sockets that Node makes of pipes.
  const throughPipes = ['-o', 'pipefail', '-c', '"$@" 2> >(cat >&2) | cat', 'bash'];
  const command = [join(here, 'run-in-vm.sh'), ...guest, ...args];
  const child = spawn('bash', [...throughPipes, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      VM_MODULES: 'loop dm-flakey ext4',
      VM_MEM: '5G',
      VM_TIMEOUT: String(60 + count * secondsPerRoundMax),
    },
  });
  let lastLine = '';
  let held = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    process.stdout.write(chunk);
    held += chunk;
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    lastLine = lines.at(-1) ?? lastLine;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 125, lastLine }));
  });
}

function parsed(line: string): object {
  return JSON.parse(line) as object;
}

function isThere(program: string): boolean {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore', env });
    return true;
  } catch {
    return false;
  }
}

function integer(name: string, given: string, min: number): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= min) return value;
  console.error(`--${name}: an integer from ${min}, not ${given}`);
  process.exit(2);
}

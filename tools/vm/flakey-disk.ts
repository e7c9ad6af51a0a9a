import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';

const sectorBytes = 512;
const secondsForEver = 180;

/**
 * Disks whose power can be cut: files in memory, under dm-flakey, with ext4. What has reached the
 * file is on the medium; what the system still holds in its cache is lost. Needs root, and a
 * machine of its own.
 */
export class FlakeyDisks {
  readonly mountPoints: readonly string[];
  readonly #names: readonly string[];
  readonly #loops: readonly string[];
  readonly #sectors: number;

  constructor(count: number, bytesEach: number) {
    this.#names = Array.from({ length: count }, (_, i) => `disk${i + 1}`);
    this.#sectors = bytesEach / sectorBytes;
    this.mountPoints = this.#names.map((name) => `/mnt/${name}`);
    // Nothing is written back by the clock: who does not sync has nothing on the medium.
    writeFileSync('/proc/sys/vm/dirty_writeback_centisecs', '0');
    this.#loops = this.#names.map((name) => {
      const file = `/dev/shm/${name}`;
      writeFileSync(file, '');
      truncateSync(file, bytesEach);
      const loop = run('losetup', '--find', '--show', file).trim();
      const atOnce = 'lazy_itable_init=0,lazy_journal_init=0';
      run('mkfs.ext4', '-q', '-b', '4096', '-E', atOnce, loop);
      return loop;
    });
  }

  /** The power is on: file systems recover what is on the medium. */
  switchOn(): void {
    for (const [i, name] of this.#names.entries()) {
      const mountPoint = this.mountPoints[i] ?? '';
      dmsetup('create', name, '--table', this.#table(i, 'works'));
      mkdirSync(mountPoint, { recursive: true });
      run('mount', '-o', 'commit=300', `/dev/mapper/${name}`, mountPoint);
    }
  }

  /** From now on whoever writes or syncs waits; nothing is told that it is durable. */
  freeze(): void {
    dmsetup('suspend', '--noflush', '--nolockfs', ...this.#names);
  }

  /** What waits, and all that comes later, goes nowhere, and says that it is well. */
  dropWrites(): void {
    for (const [i, name] of this.#names.entries()) {
      dmsetup('load', name, '--table', this.#table(i, 'drops writes'));
    }
    dmsetup('resume', ...this.#names);
  }

  /** Nobody uses them any more. With the file systems and the devices go all their caches. */
  switchOff(): void {
    for (const mountPoint of this.mountPoints) run('umount', mountPoint);
    dmsetup('remove', ...this.#names);
  }

  #table(i: number, how: 'works' | 'drops writes'): string {
    const target = `0 ${this.#sectors} flakey ${this.#loops[i]} 0`;
    return how === 'works'
      ? `${target} ${secondsForEver} 0`
      : `${target} 0 ${secondsForEver} 1 drop_writes`;
  }
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** There is no udev in the guest: dmsetup makes the device nodes itself. */
function dmsetup(...args: readonly string[]): void {
  const env = { ...process.env, DM_DISABLE_UDEV: '1' };
  execFileSync('dmsetup', args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

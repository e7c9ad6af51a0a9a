#!/usr/bin/env node
/** The command line of `rsl-server`: see README.md. */
import { backupActions } from './backup/backup-actions.ts';
import { inspect } from './inspect/inspect.ts';
import { exitCodeOf, failureLine } from './process/failure.ts';
import { printStatus } from './process/print-status.ts';
import { program } from './process/program.ts';
import { snapshotActions } from './snapshots/snapshot-actions.ts';
import { start } from './process/start.ts';

try {
  const actions = { start, status: printStatus, ...inspect, ...snapshotActions, ...backupActions };
  await program(actions).parseAsync();
} catch (error) {
  const exitCode = exitCodeOf(error);
  if (exitCode !== 0) process.stderr.write(`${failureLine(error)}\n`);
  process.exit(exitCode);
}

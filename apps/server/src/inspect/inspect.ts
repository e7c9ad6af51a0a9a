/** `rsl-server inspect`: 0 if all is well, 1 if there is damage, 2 if it cannot be looked at. */
import { failureLine } from '../process/failure.ts';
import type { InspectActions } from './inspect-command.ts';
import { printLog } from './inspect-log.ts';
import { printSnapshots } from './inspect-snapshots.ts';
import { Output } from './output.ts';

export const inspect: InspectActions = {
  inspectLog: (given) => printed((output) => printLog(given, output)),
  inspectSnapshots: (given) => printed((output) => printSnapshots(given, output)),
};

async function printed(
  print: (output: Output) => Promise<{ readonly damageCount: number }>,
): Promise<void> {
  // Whoever reads has seen enough, as in `… | head`.
  process.stdout.on('error', () => process.exit(2));
  const output = new Output(process.stdout);
  try {
    const { damageCount } = await print(output);
    await output.flush();
    process.exitCode = damageCount === 0 ? 0 : 1;
  } catch (error) {
    await output.flush();
    process.stderr.write(`${failureLine(error)}\n`);
    process.exitCode = 2;
  }
}

/** A process of its own that opens a log: `child.ts <what> <directory>`. */
import { append, contextOf, recordsOf, vote } from './records.ts';
import { fileLog } from '../src/index.ts';

const [what, directory] = process.argv.slice(2) as [string, string];
const say = (line: string) => process.send?.(line);

try {
  const options = { sync: 'thread', segmentBytes: 256 * 1024 } as const;
  const log = await fileLog(directory, options).open(contextOf());
  const records = await recordsOf(log);
  say('open');
  if (what === 'append') {
    // Eight at a time, for ever: whoever kills us has to find everything that we said.
    for (let slot = records.length + 1; ; slot += 8) {
      const turn = Array.from({ length: 8 }, (_, i) => slot + i);
      await Promise.all(
        turn.map((n) => append(log, [vote(n, 1, (n * 97) % 9_000)]).then(() => say(`${n}`))),
      );
    }
  } else if (what === 'rest') {
    await append(log, [vote(1)]);
    process.disconnect?.();
  } else if (what === 'block') {
    for (;;);
  }
} catch (error) {
  say(String((error as { code?: unknown }).code));
  process.exit(3);
}

import { Args } from '../src/args.ts';
import { BundleWriter } from '../src/bundle/bundle-writer.ts';
import { allCommands } from '../src/client/all-commands.ts';
import { KeyValue } from '../src/key-value.ts';
import type { RespVersion } from '../src/resp/reply-writer.ts';
import { FakeReplica } from './fake-replica.ts';
import { RespReader, type RespValue } from './resp-reader.ts';

/** The state machine alone: one command at a time, and a time of one's choice. */
export class Database {
  readonly machine = new KeyValue(64 * 1024 * 1024);
  readonly replica = new FakeReplica(this.machine);

  /** Executes a command of the state; its reply as RESP2, or as RESP3. */
  run(...words: readonly (string | number)[]): RespValue | undefined {
    return this.#run(2, words);
  }

  run3(...words: readonly (string | number)[]): RespValue | undefined {
    return this.#run(3, words);
  }

  passTime(byMs: number): void {
    this.replica.passTime(byMs);
  }

  #run(version: RespVersion, words: readonly (string | number)[]): RespValue | undefined {
    const bundle = new BundleWriter(version, 0);
    bundle.add(...commandOf(words));
    const reader = new RespReader();
    reader.push(this.replica.executeNow(bundle.bytes));
    const value = reader.next();
    if (reader.hasRest) throw new Error(`${words.join(' ')} gave more than one reply`);
    return value;
  }
}

/** Id and arguments of a command of the state. */
export function commandOf(words: readonly (string | number)[]): [id: number, args: Args] {
  const [name = '', ...rest] = words.map(String);
  const command = allCommands.named(name);
  if (command === undefined || !('id' in command)) throw new Error(`${name} needs no state`);
  const args = new Args();
  args.clear(Buffer.from(rest.join(''), 'latin1'));
  let start = 0;
  for (const word of rest) args.add(start, (start += word.length));
  return [command.id, args];
}
